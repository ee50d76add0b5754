//! One look: the locks at one moment, with what is known about each process that has to do with one.

mod glance;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::cargo::command::{self, Invocation};
use crate::cargo::lock_kind::{self, LockFile};
use crate::cargo::origin::{self, Ancestor, Origin};
use crate::clock::Moment;
use crate::os::{
    Claim, Descriptors, FileId, Interest, Kernel, LockedFile, LookError, Mode, Note, Precision, ProcessError,
};
use crate::places::CargoHomes;
use crate::process::{self, Detail, Pid, Process, ProcessId, RunState};
use crate::work::{self, Sample};

/// The locks at one moment.
#[derive(Clone, Debug)]
pub struct Look {
    /// When it was made.
    pub at: Moment,
    /// Whether all locks were looked at, and not only a few processes.
    pub is_complete: bool,
    /// Which run of the machine it was made in.
    pub boot_id: u64,
    /// Whether the kernel could say it all.
    pub precision: Precision,
    /// What could not be seen.
    pub notes: Vec<Note>,
    /// The lock files in use, in the order of their paths.
    pub locks: Vec<Lock>,
    /// Everyone who holds or waits.
    pub processes: BTreeMap<ProcessId, Arc<Participant>>,
    /// Who held or waited in the look before, and has ended since.
    pub ended: BTreeSet<ProcessId>,
}

/// One lock file in use.
#[derive(Clone, Debug)]
pub struct Lock {
    /// Which file it is.
    pub file: FileId,
    /// Its path.
    pub path: PathBuf,
    /// What kind of lock it is.
    pub table: &'static LockFile,
    /// Whether its last name was deleted.
    pub deleted: bool,
    /// Whether the path is one of another mount namespace.
    pub other_mount_namespace: bool,
    /// Who holds it.
    pub holders: Vec<Claim>,
    /// Who waits for it.
    pub waiters: Vec<Claim>,
}

/// A process that has to do with a Cargo lock.
#[derive(Clone, Debug)]
pub struct Participant {
    /// What the kernel tells about it.
    pub process: Process,
    /// What it does.
    pub invocation: Invocation,
    /// The rustup toolchain that its program belongs to.
    pub toolchain: Option<String>,
    /// Who started it.
    pub origin: Origin,
    /// Its ancestors, the parent first.
    pub ancestors: Vec<ProcessId>,
}

/// No chain of ancestors is longer than this; a longer one is a loop that a reused process number made.
const MAX_ANCESTORS: usize = 64;

/// Looks at the locks with a given kernel.
#[derive(Debug)]
pub struct Observer<K> {
    kernel: K,
    homes: CargoHomes,
    /// The last look. Most of its participants are in the next one too.
    last: Option<Look>,
    /// For glances.
    suspects: glance::Suspects,
}

impl<K: Kernel> Observer<K> {
    /// Watches with the given eyes.
    pub fn new(kernel: K, homes: CargoHomes) -> Self {
        Self {
            kernel,
            homes,
            last: None,
            suspects: glance::Suspects::default(),
        }
    }

    /// Lets a test change what there is to see.
    #[cfg(test)]
    pub(crate) fn set_kernel(&mut self, kernel: K) {
        self.kernel = kernel;
    }

    /// Looks once.
    pub fn look(&mut self, at: Moment) -> Result<Look, LookError> {
        let homes = &self.homes;
        let is_home = |folder: &Path| homes.contains(folder);
        let is_lock = |path: &Path| lock_kind::recognise(path, &is_home).is_some();
        let known = homes.lock_files();
        let mut table = self.kernel.locks(&Interest {
            is_lock: &is_lock,
            known: &known,
        })?;
        table.notes.extend(homes.problem());
        let mut locks: Vec<Lock> = table
            .files
            .into_iter()
            .filter_map(|file| Some(Lock::of(lock_kind::recognise(&file.path, &is_home)?, file)))
            .collect();
        let last = self.last.take();
        if let Some(last) = &last {
            let doubtful = |lock: &Lock| table.notes.iter().any(|note| note.doubts(&lock.path));
            keep_the_unproven(&mut locks, last, &mut self.kernel, &is_lock, &doubtful);
        }
        let draft = Look {
            at,
            is_complete: true,
            boot_id: self.kernel.boot_id(),
            precision: table.precision,
            notes: table.notes,
            locks,
            processes: BTreeMap::new(),
            ended: BTreeSet::new(),
        };
        Ok(self.complete(draft, last, table.asked))
    }

    /// Adds the processes to the locks of a look; of some it was `asked` already.
    fn complete(&mut self, mut look: Look, last: Option<Look>, asked: BTreeMap<ProcessId, Process>) -> Look {
        let mut known = last.map(|last| last.processes).unwrap_or_default();
        let before: Vec<ProcessId> = known.keys().copied().collect();
        let mut lineage = Lineage {
            kernel: &mut self.kernel,
            known: HashMap::new(),
            asked,
        };
        for claim in look.claims() {
            if !look.processes.contains_key(&claim.process) {
                let found = lineage.known_or_new(claim.process, known.remove(&claim.process));
                look.processes.extend(found.map(|found| (claim.process, found)));
            }
        }
        look.forget_the_dead();
        let gone = before.into_iter().filter(|id| !look.processes.contains_key(id));
        look.ended = gone.filter(|id| !lives(&mut self.kernel, *id)).collect();
        self.suspects.add(&look);
        self.last = Some(look.clone());
        look
    }

    /// What a holder's tree of processes has done so far; none where it has ended. See [`work::sample`].
    pub fn sample(
        &mut self,
        holder: ProcessId,
        at: Duration,
        registry_files: u64,
        output: Option<Duration>,
    ) -> Option<Sample> {
        work::sample(&mut self.kernel, holder, at, registry_files, output)
    }

    /// The cargo and rustc processes of this user that are not among those who hold or wait.
    pub fn bystanders(&mut self, involved: &BTreeSet<Pid>) -> Vec<Participant> {
        let uid = self.kernel.own_uid();
        let mut lineage = Lineage {
            kernel: &mut self.kernel,
            known: HashMap::new(),
            asked: BTreeMap::new(),
        };
        let mut found: Vec<Participant> = process::named(may_be_rust_tool)
            .into_iter()
            .filter(|pid| !involved.contains(pid))
            .filter_map(|pid| lineage.participant(pid))
            .filter(|one| one.process.uid == Some(uid) && one.invocation.program.is_rust_tool())
            .collect();
        found.sort_by_key(|one| one.process.id);
        found
    }
}

impl Look {
    /// Everyone's part in each lock.
    fn claims(&self) -> Vec<Claim> {
        let all = self
            .locks
            .iter()
            .flat_map(|lock| lock.holders.iter().chain(&lock.waiters));
        all.copied().collect()
    }

    /// A process that ended during the look holds nothing and waits for nothing any more.
    fn forget_the_dead(&mut self) {
        let processes = &self.processes;
        for lock in &mut self.locks {
            let lives = |claim: &Claim| processes.contains_key(&claim.process);
            lock.holders.retain(lives);
            lock.waiters.retain(lives);
        }
        self.locks
            .retain(|lock| !lock.holders.is_empty() || !lock.waiters.is_empty());
    }
}

impl Lock {
    /// Whether more seem to hold it than can: somebody has it for himself alone, and is not alone.
    pub fn has_too_many_holders(&self) -> bool {
        let alone = |claim: &Claim| claim.mode == Some(Mode::Exclusive);
        self.holders.len() > 1 && self.holders.iter().any(alone)
    }

    fn of(table: &'static LockFile, file: LockedFile) -> Self {
        let LockedFile {
            file,
            path,
            deleted,
            other_mount_namespace,
            holders,
            waiters,
        } = file;
        Self {
            file,
            path,
            table,
            deleted,
            other_mount_namespace,
            holders,
            waiters,
        }
    }

    /// Cargo's own word for this lock, in the version and for the command that holds it (or waits for it, where the
    /// holder is not known).
    pub fn label(&self, look: &Look) -> String {
        let claim = self.holders.first().or(self.waiters.first());
        let one = claim.and_then(|claim| look.processes.get(&claim.process));
        let version = one
            .and_then(|one| one.toolchain.as_deref())
            .and_then(command::toolchain_version);
        let subcommand = one.and_then(|one| one.invocation.program.subcommand());
        self.table
            .label(&self.path, claim.and_then(|claim| claim.mode), version, subcommand)
    }
}

/// Reads processes and their ancestors, each ancestor once a look: a thousand waiters have few parents.
struct Lineage<'a, K> {
    kernel: &'a mut K,
    known: HashMap<(Pid, Detail), Option<Rc<Ancestor>>>,
    /// What is known of those who hold or wait from this very look.
    asked: BTreeMap<ProcessId, Process>,
}

impl<K: Kernel> Lineage<'_, K> {
    /// What was known of a process in the last look where that still holds: it has the same name, parent and session, and
    /// the same ancestors. Its arguments and its environment are not read again then.
    fn known_or_new(&mut self, id: ProcessId, old: Option<Arc<Participant>>) -> Option<Arc<Participant>> {
        let Some(mut old) = old else {
            return self
                .participant(id.pid)
                .filter(|found| found.process.id == id)
                .map(Arc::new);
        };
        let ask = || self.kernel.process(id.pid, Detail::Brief).ok();
        let now = self.asked.remove(&id).or_else(ask).filter(|now| now.id == id)?;
        let same = |now: &Process, then: &Process| {
            (&now.name, now.parent, now.session) == (&then.name, then.parent, then.session)
        };
        if !same(&now, &old.process)
            || self
                .ancestors(&now, Detail::Brief)
                .iter()
                .map(|found| found.process.id)
                .ne(old.ancestors.iter().copied())
        {
            return self.known_or_new(id, None);
        }
        if old.process.state != now.state {
            Arc::make_mut(&mut old).process.state = now.state;
        }
        Some(old)
    }

    fn participant(&mut self, pid: Pid) -> Option<Participant> {
        let process = self.kernel.process(pid, Detail::Full).ok()?;
        let ancestors = self.ancestors(&process, Detail::Lineage);
        let marks = || self.kernel.environment(pid, origin::MARKS);
        Some(Participant {
            invocation: command::read(&process.argv, process.exe.as_deref(), &process.name),
            toolchain: process.exe.as_deref().and_then(command::toolchain),
            origin: origin::origin(&process, &ancestors, marks),
            ancestors: ancestors.iter().map(|ancestor| ancestor.process.id).collect(),
            process,
        })
    }

    /// The ancestors, the parent first; above the one that decides who started the process in brief only.
    fn ancestors(&mut self, process: &Process, mut detail: Detail) -> Vec<Rc<Ancestor>> {
        let mut chain: Vec<Rc<Ancestor>> = Vec::new();
        let (mut parent, mut child_start) = (process.parent, process.id.start);
        while parent != 0 && chain.len() < MAX_ANCESTORS {
            let kernel = &mut *self.kernel;
            let read = || kernel.process(parent, detail).ok().map(Ancestor::of).map(Rc::new);
            let found = self.known.entry((parent, detail)).or_insert_with(read);
            // A parent is older than its child. A younger one was given the number of a parent that ended meanwhile.
            let Some(found) = found.as_ref().filter(|found| found.process.id.start <= child_start) else {
                break;
            };
            chain.push(Rc::clone(found));
            (parent, child_start) = (found.process.parent, found.process.id.start);
            if found.ends_the_search() {
                detail = Detail::Brief;
            }
        }
        chain
    }
}

/// A hold ends only where the process's own descriptors show it, or the process has ended: never because the table of
/// locks, which is read while others come and go, did not show it once. Where the system does not tell by process, it goes
/// on where the look itself says that it could not find who holds the lock.
fn keep_the_unproven<K: Kernel>(
    locks: &mut Vec<Lock>,
    last: &Look,
    kernel: &mut K,
    is_lock: &dyn Fn(&Path) -> bool,
    is_doubtful: &dyn Fn(&Lock) -> bool,
) {
    for old in &last.locks {
        for claim in &old.holders {
            let place = locks.iter().position(|lock| lock.file == old.file);
            let shown = place.is_some_and(|place| {
                let holders = &locks[place].holders;
                holders.iter().any(|holder| holder.process == claim.process)
            });
            if shown || !still_holds(kernel, claim.process, old, is_lock, is_doubtful) {
                continue;
            }
            let lock = match place {
                Some(place) => &mut locks[place],
                None => locks.push_mut(Lock {
                    holders: Vec::new(),
                    waiters: Vec::new(),
                    ..old.clone()
                }),
            };
            lock.holders.push(*claim);
        }
    }
    locks.sort_by(|a, b| (&a.path, a.file).cmp(&(&b.path, b.file)));
}

fn still_holds<K: Kernel>(
    kernel: &mut K,
    process: ProcessId,
    lock: &Lock,
    is_lock: &dyn Fn(&Path) -> bool,
    is_doubtful: &dyn Fn(&Lock) -> bool,
) -> bool {
    match kernel.descriptors(process.pid, is_lock) {
        Descriptors::Read { process: now, files } => {
            now == process && files.iter().any(|open| open.file == lock.file && open.held.is_some())
        }
        Descriptors::Gone => false,
        Descriptors::Failed => lives(kernel, process),
        Descriptors::Untold => is_doubtful(lock) && lives(kernel, process),
    }
}

/// Whether a process has not ended, as far as can be told.
fn lives<K: Kernel>(kernel: &mut K, id: ProcessId) -> bool {
    match kernel.process(id.pid, Detail::Brief) {
        Ok(now) => now.id == id && now.state != RunState::Zombie,
        Err(error) => !matches!(error, ProcessError::Gone),
    }
}

/// A cheap first sieve by the kernel's short name; [`command::read`] decides.
fn may_be_rust_tool(name: &str) -> bool {
    ["cargo", "rustc", "rustdoc", "clippy-driver", "build-script"]
        .iter()
        .any(|begin| name.starts_with(begin))
}

#[cfg(test)]
mod tests;
