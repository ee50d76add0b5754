//! Locks and processes as the kernel of macOS tells them.
//!
//! What can be pure is pure, and is compiled and tested on Linux too: [`layout`] (where a value lies in the kernel's
//! structures), [`tables`] (what the algorithm asks), [`look`] (the algorithm), [`attribution`] (who holds),
//! [`guarded`] (what must not be opened), [`procargs`] and [`about`] (a process), [`selftest`] (whether this kernel is
//! as expected). The system itself is called in `sys` alone.

mod about;
mod attribution;
#[cfg(target_os = "macos")]
mod bell;
mod guarded;
mod layout;
mod look;
mod procargs;
mod selftest;
#[cfg(target_os = "macos")]
mod sys;
mod tables;

#[cfg(target_os = "macos")]
pub use bell::Bell;
#[cfg(target_os = "macos")]
pub use system::{PACE, System, awake, blind_spots, file_id, file_system, real_folder, since_boot, warm_up};

#[cfg(target_os = "macos")]
mod system {
    use std::collections::{BTreeMap, BTreeSet};
    use std::ffi::OsString;
    use std::io;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use super::about::{Basics, boot_id};
    use super::guarded::Guard;
    use super::look::{Limits, Looker};
    use super::procargs::ProcArgs;
    use super::tables::{Listed, Tables as _, Whose};
    use super::{layout, selftest, sys};
    use crate::os::file_system::{self, FileSystem};
    use crate::os::{
        Blind, Descriptors, Effort, FileId, Interest, Kernel, LockTable, LookError, Note, Pace, Precision,
        ProcessError, Signal, SignalError,
    };
    use crate::process::{Detail, Pid, Process, ProcessId, RunState};
    use crate::work::Received;

    /// The kernel of macOS, for one user without privileges.
    #[derive(Debug)]
    pub struct System {
        calls: sys::Darwin,
        looker: Looker<sys::Darwin>,
        boot_id: u64,
        /// What the self-test found wrong.
        failed: Option<String>,
        /// The cargos, when they were listed last.
        cargos: Option<BTreeSet<Listed>>,
    }

    impl Default for System {
        fn default() -> Self {
            Self::new()
        }
    }

    impl System {
        /// Tests the detection on a private file, deleted at once, and on our own process. Where that fails, each look is
        /// [`Precision::Inferred`] and says what failed.
        pub fn new() -> Self {
            let failed = match sys::measure() {
                Ok(measured) => selftest::failure(&measured).map(str::to_owned),
                Err(error) => Some(format!("it could not be run: {error}")),
            };
            let looker = Looker::new(sys::Darwin::new(), std::env::home_dir(), Limits::USUAL);
            Self {
                calls: sys::Darwin::new(),
                looker,
                // Without it a token of an earlier boot is told apart by `p_uniqueid` alone.
                boot_id: sys::boot_session().ok().and_then(|uuid| boot_id(&uuid)).unwrap_or(0),
                failed,
                cargos: None,
            }
        }
    }

    impl System {
        /// The same as [`Self::new`]: here every look is by a tested detection.
        pub fn tested() -> Self {
            Self::new()
        }
    }

    impl Kernel for System {
        fn boot_id(&self) -> u64 {
            self.boot_id
        }

        fn own_uid(&self) -> u32 {
            rustix::process::geteuid().as_raw()
        }

        fn locks(&mut self, interest: &Interest<'_>) -> Result<LockTable, LookError> {
            let mut table = self.looker.locks(interest)?;
            if let Some(part) = &self.failed {
                table.precision = Precision::Inferred;
                table.notes.push(Note::SelfTestFailed { part: part.clone() });
            }
            Ok(table)
        }

        /// A mark in a file table says that a lock was held at some time, not that it is: only a look can tell.
        fn descriptors(&mut self, _pid: Pid, _is_lock: &dyn Fn(&Path) -> bool) -> Descriptors {
            Descriptors::Untold
        }

        /// Those that take locks of Cargo's, by their names; none the first time. A build starts compilers all the time, and
        /// its cargo once.
        fn newcomers(&mut self) -> Vec<Pid> {
            let listed = self.calls.processes(Whose::Own).unwrap_or_default();
            let now: BTreeSet<Listed> = listed.into_iter().filter(|one| one.name.starts_with("cargo")).collect();
            let before = self.cargos.replace(now.clone());
            let before = before.as_ref().unwrap_or(&now);
            now.difference(before).map(|one| one.pid).collect()
        }

        fn process(&mut self, pid: Pid, detail: Detail) -> Result<Process, ProcessError> {
            let start = self.calls.unique_id(pid)?;
            let basics = basics(pid)?;
            let brief = detail == Detail::Brief;
            let no_arguments = brief || basics.state == RunState::Zombie;
            let process = Process {
                id: ProcessId { pid, start },
                parent: basics.parent,
                group: basics.group,
                session: session(pid),
                uid: Some(basics.uid),
                state: basics.state,
                has_terminal: basics.has_terminal,
                started_at: basics.started_at,
                name: basics.name,
                exe: if brief { None } else { sys::program(pid) },
                argv: if no_arguments { Vec::new() } else { argv(pid) },
                cwd: match detail {
                    Detail::Brief | Detail::Lineage => None,
                    Detail::Full => sys::working_directory(pid),
                },
            };
            // Another process of the same number may have begun between the questions.
            if self.calls.unique_id(pid)? == start {
                Ok(process)
            } else {
                Err(ProcessError::Gone)
            }
        }

        fn children(&mut self, pid: Pid) -> Vec<Pid> {
            sys::children(pid).unwrap_or_default()
        }

        fn effort(&mut self, pid: Pid) -> Result<Effort, ProcessError> {
            let process = self.process(pid, Detail::Brief)?;
            Ok(Effort {
                // Another user's process does not tell, and is judged by the rest.
                work: sys::work(pid).unwrap_or_default(),
                reads_terminal: sys::reads_terminal(pid),
                sockets: sys::connections(pid),
                is_elsewhere: false,
                process,
            })
        }

        /// How much came in is not told.
        fn received(&mut self, sockets: &BTreeSet<u64>) -> Received {
            Received::Connections(sockets.len())
        }

        fn environment(&mut self, pid: Pid, names: &[&str]) -> BTreeMap<String, String> {
            let Ok((answer, room)) = sys::arguments(pid) else {
                return BTreeMap::new();
            };
            ProcArgs::parse(&answer, room)
                .map(|args| args.environment(names))
                .unwrap_or_default()
        }

        fn signal(&mut self, process: ProcessId, signal: Signal) -> Result<(), SignalError> {
            sys::signal(process, signal)
        }
    }

    /// Nothing tells that a lock was taken, so there is a tick, which the system may bundle with others, and a fast one while
    /// cargo is about.
    pub const PACE: Pace = Pace {
        idle: Duration::from_secs(2),
        active: Duration::from_millis(250),
        leeway: Duration::from_millis(500),
        events_tell_of_opening: false,
        looks_need_preparation: false,
    };

    /// There is nothing to prepare.
    pub fn warm_up() {}

    /// The file system of a folder.
    pub fn file_system(path: &Path) -> io::Result<FileSystem> {
        let told = rustix::fs::statfs(path)?;
        let name = told
            .f_fstypename
            .iter()
            .map(|c| c.cast_unsigned())
            .take_while(|c| *c != 0);
        let kind = String::from_utf8_lossy(&name.collect::<Vec<u8>>()).into_owned();
        let flock = file_system::flock_by_name(&kind);
        file_system::of(path, kind, flock)
    }

    /// All processes are listed; those of other users do not tell about their files, which the notes of a look say.
    pub fn blind_spots() -> Vec<Blind> {
        Vec::new()
    }

    /// The folder's path without symbolic links; none where it is no folder, or not there, or where macOS guards it: who
    /// watches such a folder makes the system ask the user for permission.
    pub fn real_folder(path: &Path) -> Option<PathBuf> {
        let system = sys::Darwin::new();
        let guard = Guard::new(std::env::home_dir().as_deref(), system.mounts());
        let resolved = guard.resolve(path, |path| system.read_link(path))?;
        resolved.is_dir().then_some(resolved)
    }

    /// Which file this is, its device number as the file tables have it.
    pub fn file_id(path: &Path) -> Option<FileId> {
        let stat = rustix::fs::stat(path).ok()?;
        Some(FileId {
            dev: u64::from(stat.st_dev.cast_unsigned()),
            ino: stat.st_ino,
        })
    }

    pub use super::sys::{awake, since_boot};

    /// Another user's process is asked about in the way that is open to everybody: the shell of a terminal hangs under
    /// root's `login`, and the tree must not end there.
    fn basics(pid: Pid) -> Result<Basics, ProcessError> {
        let found = match sys::bsd_info(pid) {
            Ok(bytes) => Basics::from_bsd_info(&bytes),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let number = i32::try_from(pid).map_err(|_| ProcessError::Gone)?;
                Basics::from_kinfo(&sys::kinfo(layout::KERN_PROC_PID, number)?)
            }
            Err(error) => return Err(error.into()),
        };
        found.filter(|found| found.pid == pid).ok_or(ProcessError::Gone)
    }

    fn session(pid: Pid) -> Pid {
        i32::try_from(pid)
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            .and_then(|pid| rustix::process::getsid(Some(pid)).ok())
            .and_then(|session| Pid::try_from(session.as_raw_nonzero().get()).ok())
            .unwrap_or(0)
    }

    fn argv(pid: Pid) -> Vec<OsString> {
        let Ok((answer, room)) = sys::arguments(pid) else {
            return Vec::new();
        };
        ProcArgs::parse(&answer, room)
            .map(|args| args.argv())
            .unwrap_or_default()
    }
}
