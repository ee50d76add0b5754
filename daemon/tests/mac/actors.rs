//! The processes of the tests, and what waits for them. Each process ends when its owner is dropped.

use std::fs::{DirBuilder, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use lockwatch::os::{Interest, Kernel as _, LockTable, Precision, System};
use lockwatch::process::Pid;
use tempfile::TempDir;

/// After so long a test gives up; what it waits for comes in milliseconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until something can be had.
pub(crate) fn until<T>(what: &str, mut had: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = had() {
            return value;
        }
        assert!(begin.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A folder of the test's own with a lock file in it, by a path without a symbolic link.
pub(crate) struct Place {
    _folder: TempDir,
    pub(crate) folder: PathBuf,
    pub(crate) lock: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::in_folder(folder)
    }

    /// In another folder than that for temporary files.
    pub(crate) fn under(parent: &Path) -> Self {
        Self::in_folder(tempfile::tempdir_in(parent).unwrap())
    }

    fn in_folder(made: TempDir) -> Self {
        let folder = made.path().canonicalize().unwrap();
        let lock = folder.join(".cargo-lock");
        File::create(&lock).unwrap();
        Self {
            _folder: made,
            folder,
            lock,
        }
    }

    /// One look at the lock while nobody takes it or lets it go. It is a known file, so `F_GETLK` is asked about it on a
    /// descriptor for events.
    pub(crate) fn look(&self, system: &mut System) -> LockTable {
        let table = look(system, &self.lock);
        assert_eq!((table.precision, table.notes.as_slice()), (Precision::Exact, &[][..]));
        table
    }
}

/// One look at one lock file, while what it shows may be changing.
pub(crate) fn look(system: &mut System, lock: &Path) -> LockTable {
    let known = [lock.to_owned()];
    let interest = Interest {
        is_lock: &|path| path == lock,
        known: &known,
    };
    system.locks(&interest).unwrap()
}

/// How a lock is asked for, in the numbers of flock(2).
#[derive(Clone, Copy)]
pub(crate) enum How {
    Shared = 1,
    Exclusive = 2,
}

/// A process with a lock file open. It locks it, then does what it is told.
pub(crate) struct Locker {
    child: Child,
    orders: ChildStdin,
    words: BufReader<ChildStdout>,
}

/// It says each thing when it has done it.
const LOCKER: &str = r#"
$| = 1;
open(my $file, '+<', $ARGV[0]) or die;
print "open\n";
flock($file, $ARGV[1]) or die;
print "locked\n";
while (my $order = <STDIN>) {
    if ($order eq "unlock\n") { flock($file, 8) or die }
    elsif ($order eq "close\n") { close($file) or die }
    print "done\n";
    if ($order eq "become another program\n") { exec('/bin/cat') }
}
"#;

impl Locker {
    /// One that has the file open and is about to take the lock, or waits for it.
    pub(crate) fn asking(lock: &Path, how: How) -> Self {
        let mut child = Command::new("/usr/bin/perl")
            .args(["-e", LOCKER])
            .arg(lock)
            .arg((how as u8).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let words = BufReader::new(child.stdout.take().unwrap());
        let mut locker = Self { child, orders, words };
        locker.says("open");
        locker
    }

    /// One that holds the lock.
    pub(crate) fn holding(lock: &Path, how: How) -> Self {
        let mut locker = Self::asking(lock, how);
        locker.says("locked");
        locker
    }

    pub(crate) fn pid(&self) -> Pid {
        self.child.id()
    }

    /// Waits for the next thing that it says, which must be this.
    pub(crate) fn says(&mut self, word: &str) {
        let mut line = String::new();
        self.words.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), word);
    }

    /// Has it do this, and waits until it has.
    pub(crate) fn obeys(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
        self.says("done");
    }

    /// Has it become `cat`, and waits until that one answers.
    pub(crate) fn becomes_another_program(&mut self) {
        self.obeys("become another program");
        writeln!(self.orders, "here is cat").unwrap();
        self.says("here is cat");
    }

    /// Ends it by `SIGKILL`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Waits for its end; says by which signal it came.
    pub(crate) fn ended_by(&mut self) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt as _;
        self.child.wait().unwrap().signal()
    }
}

impl Drop for Locker {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A folder as `LOCKWATCH_HOME` must be: nobody else's.
pub(crate) fn private_home(place: &Place) -> PathBuf {
    let home = place.folder.join("home");
    DirBuilder::new().mode(0o700).create(&home).unwrap();
    home
}

/// A process that ends when this is dropped.
pub(crate) struct Ending(pub(crate) Child);

impl Drop for Ending {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
