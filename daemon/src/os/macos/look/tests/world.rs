//! A made system: processes, their open files, locks, and what happens while they are looked at.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::os::macos::layout::{FWASLOCKED, FWRITE, O_EVTONLY, S_IFREG};
use crate::os::macos::look::{Limits, Looker};
use crate::os::macos::tables::{Held, Listed, Mount, Tables, Vnode, Whose};
use crate::os::{FileId, Interest, LockTable, Mode};
use crate::process::Pid;

/// Our own process.
pub(super) const OWN: Pid = 99;

/// Something that happens.
type Step = Box<dyn FnOnce(&mut World) + Send>;

#[derive(Clone, Copy)]
pub(super) struct Open {
    pub(super) ino: u64,
    pub(super) flags: u32,
    pub(super) status: u32,
}

pub(super) struct Program {
    pub(super) listed: Listed,
    pub(super) unique_id: u64,
    pub(super) files: BTreeMap<i32, Open>,
    pub(super) is_denied: bool,
    /// Whether it ends while it is read, and another process is given its number.
    pub(super) is_replaced: bool,
}

#[derive(Default)]
pub(super) struct World {
    pub(super) now: Duration,
    pub(super) programs: Vec<Program>,
    pub(super) others: Vec<Listed>,
    /// Files by number: their path, and how many names they have.
    pub(super) files: BTreeMap<u64, (PathBuf, u16)>,
    pub(super) links: BTreeMap<PathBuf, PathBuf>,
    pub(super) unreadable: BTreeSet<PathBuf>,
    pub(super) locks: BTreeMap<u64, Held>,
    /// Files whose lock was released since it was last asked.
    pub(super) released: BTreeSet<u64>,
    /// Processes whose files' server does not answer.
    pub(super) hanging: BTreeSet<Pid>,
    /// Happens between the first question about the locks and the reading of the file tables, one each time.
    pub(super) at_scan: VecDeque<Step>,
    /// Happens in a pause, one each time.
    pub(super) at_pause: VecDeque<Step>,
    pub(super) cannot_list: bool,
    /// What was opened, and what was looked up as a link.
    pub(super) opened: Vec<PathBuf>,
    pub(super) links_read: Vec<PathBuf>,
    /// Whose file tables were read.
    pub(super) read: Vec<Pid>,
    pub(super) paused: Duration,
    /// How many files are open for asking.
    pub(super) asked: usize,
    /// The most that were at a pause or at a reading of file tables.
    pub(super) most_asked: usize,
}

/// A file that is open for asking.
pub(super) struct Asked {
    ino: u64,
    made: Made,
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.made.world().asked -= 1;
    }
}

impl World {
    pub(super) fn file(&mut self, ino: u64, path: &str) {
        self.files.insert(ino, (path.into(), 1));
    }

    pub(super) fn program(&mut self, pid: Pid, name: &str) -> &mut Program {
        let listed = Listed {
            pid,
            parent: 1,
            uid: 501,
            started: (i64::from(pid), 0),
            name: name.to_owned(),
        };
        let unique_id = u64::from(pid) * 10;
        self.programs.push(Program {
            listed,
            unique_id,
            files: BTreeMap::new(),
            is_denied: false,
            is_replaced: false,
        });
        self.programs.last_mut().unwrap()
    }

    pub(super) fn get(&mut self, pid: Pid) -> &mut Program {
        self.programs.iter_mut().find(|one| one.listed.pid == pid).unwrap()
    }

    /// The file is locked by `flock`.
    pub(super) fn lock(&mut self, ino: u64, mode: Mode) {
        self.locks.insert(ino, Held::Flock(mode));
    }

    /// The lock goes from whoever has it to somebody else at once.
    pub(super) fn hand_over(&mut self, ino: u64, from: Pid, to: Pid) {
        self.get(from).files.clear();
        self.get(to).locked(ino);
        self.released.insert(ino);
    }
}

impl Program {
    /// Has the file open and has, or had, a lock on it.
    pub(super) fn locked(&mut self, ino: u64) -> &mut Self {
        self.open(ino, FWASLOCKED | FWRITE | 1, 0)
    }

    /// Has the file open.
    pub(super) fn waits(&mut self, ino: u64) -> &mut Self {
        self.open(ino, FWRITE | 1, 0)
    }

    /// Has locked the file, and shares that with another descriptor.
    pub(super) fn inherited(&mut self, ino: u64) -> &mut Self {
        self.open(ino, FWASLOCKED | FWRITE | 1, 1)
    }

    /// Watches the file.
    pub(super) fn watches(&mut self, ino: u64) -> &mut Self {
        self.open(ino, O_EVTONLY.cast_unsigned() | 1, 0)
    }

    pub(super) fn child_of(&mut self, parent: Pid) -> &mut Self {
        self.listed.parent = parent;
        self
    }

    fn open(&mut self, ino: u64, flags: u32, status: u32) -> &mut Self {
        let fd = i32::try_from(ino).unwrap() + 3;
        self.files.insert(fd, Open { ino, flags, status });
        self
    }
}

/// The made system, shared with the test.
#[derive(Clone, Default)]
pub(super) struct Made(Arc<Mutex<World>>);

impl Made {
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    pub(super) fn looker(&self) -> Looker<Self> {
        self.looker_within(Duration::from_secs(20))
    }

    /// With a limit for reading the file tables.
    pub(super) fn looker_within(&self, scan: Duration) -> Looker<Self> {
        Looker::new(self.clone(), Some("/Users/me".into()), Limits { scan, ..Limits::USUAL })
    }

    fn vnode_of(&self, pid: Pid, fd: i32) -> io::Result<(Vnode, PathBuf)> {
        while self.world().hanging.contains(&pid) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let mut world = self.world();
        let open = *world.get(pid).files.get(&fd).ok_or(io::ErrorKind::NotFound)?;
        let (path, links) = world.files[&open.ino].clone();
        let vnode = Vnode {
            file: FileId { dev: 1, ino: open.ino },
            open_flags: open.flags,
            status: open.status,
            mode: S_IFREG | 0o644,
            links,
        };
        Ok((vnode, path))
    }
}

/// A look at the files of these paths and at whatever ends in `.cargo-lock`.
pub(super) fn look(looker: &mut Looker<Made>, known: &[&str]) -> LockTable {
    let known: Vec<PathBuf> = known.iter().map(PathBuf::from).collect();
    let is_lock = |path: &Path| path.ends_with(".cargo-lock");
    looker
        .locks(&Interest {
            is_lock: &is_lock,
            known: &known,
        })
        .unwrap()
}

fn gone() -> io::Error {
    io::Error::from_raw_os_error(3)
}

impl Tables for Made {
    type File = Asked;

    fn own_pid(&self) -> Pid {
        OWN
    }

    fn mounts(&self) -> Vec<Mount> {
        vec![Mount {
            on: "/".into(),
            fixed: true,
        }]
    }

    fn read_link(&self, path: &Path) -> Option<PathBuf> {
        let mut world = self.world();
        world.links_read.push(path.to_owned());
        world.links.get(path).cloned()
    }

    fn processes(&self, whose: Whose) -> io::Result<Vec<Listed>> {
        let mut world = self.world();
        if world.cannot_list {
            return Err(io::Error::from_raw_os_error(12));
        }
        if whose == Whose::Others {
            return Ok(world.others.clone());
        }
        world.most_asked = world.most_asked.max(world.asked);
        if let Some(step) = world.at_scan.pop_front() {
            step(&mut world);
        }
        Ok(world.programs.iter().map(|one| one.listed.clone()).collect())
    }

    fn unique_id(&self, pid: Pid) -> io::Result<u64> {
        let world = self.world();
        let own = world
            .programs
            .iter()
            .find(|one| one.listed.pid == pid)
            .map(|one| one.unique_id);
        let other = || {
            world
                .others
                .iter()
                .find(|one| one.pid == pid)
                .map(|one| u64::from(one.pid) * 10)
        };
        own.or_else(other).ok_or_else(gone)
    }

    fn descriptors(&self, pid: Pid) -> io::Result<Vec<i32>> {
        let mut world = self.world();
        world.read.push(pid);
        let program = world
            .programs
            .iter_mut()
            .find(|one| one.listed.pid == pid)
            .ok_or_else(gone)?;
        if program.is_denied {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        program.unique_id += u64::from(program.is_replaced);
        Ok(program.files.keys().copied().collect())
    }

    fn vnode(&self, pid: Pid, fd: i32) -> io::Result<Vnode> {
        self.vnode_of(pid, fd).map(|(vnode, _)| vnode)
    }

    fn vnode_path(&self, pid: Pid, fd: i32) -> io::Result<(Vnode, PathBuf)> {
        self.vnode_of(pid, fd)
    }

    fn open(&self, path: &Path) -> io::Result<(Asked, FileId)> {
        let mut world = self.world();
        world.opened.push(path.to_owned());
        if world.unreadable.contains(path) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let file = world.files.iter().find(|(_, (name, links))| name == path && *links > 0);
        let ino = *file.ok_or(io::ErrorKind::NotFound)?.0;
        world.asked += 1;
        Ok((
            Asked {
                ino,
                made: self.clone(),
            },
            FileId { dev: 1, ino },
        ))
    }

    fn held(&self, file: &Asked) -> io::Result<Held> {
        Ok(self.world().locks.get(&file.ino).copied().unwrap_or(Held::Free))
    }

    fn arm(&self, _file: &mut Asked) -> io::Result<()> {
        Ok(())
    }

    fn released(&self, file: &Asked) -> io::Result<bool> {
        Ok(self.world().released.remove(&file.ino))
    }

    fn now(&self) -> Duration {
        self.world().now
    }

    fn pause(&self, time: Duration) {
        let mut world = self.world();
        world.now += time;
        world.paused += time;
        if let Some(step) = world.at_pause.pop_front() {
            step(&mut world);
        }
    }
}
