//! What a holder's tree of processes has done so far: a sample of it at one moment. Two samples tell whether something moved;
//! [`crate::verdict`] judges that.

mod kind;
mod output;
pub mod registry;
mod tree;

use std::collections::BTreeMap;
use std::time::Duration;

pub use self::output::output_of;
pub use self::tree::sample;
use crate::process::{Pid, ProcessId, RunState};

/// What one process has done since it began. No figure ever goes back while it lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Processor time, its own and that of the children that it has waited for.
    pub cpu: Duration,
    /// Bytes that it had the disk read and write; 0 where that may not be read.
    pub disk: u64,
}

/// What a process of the tree is, as far as it matters for judging the holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// rustc, clippy-driver or rustdoc.
    Compiler,
    /// The linker, or the compiler of another language that drives it.
    Linker,
    /// A build script.
    BuildScript,
    /// git.
    Git,
    /// ssh, which may wait for its server as well as for a person.
    Ssh,
    /// It asks a person: pinentry, an askpass program, `git-credential-*`, `cargo-credential-*`.
    AsksAPerson,
    /// The client of a worker elsewhere: sccache, cachepot, ccache, distcc, icecc, docker, podman.
    RemoteClient,
    /// cargo.
    Cargo,
    /// Anything else.
    Other,
}

/// One process of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its parent at that moment.
    pub parent: Pid,
    /// The kernel's short name, escaped; of a build script those two words.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Whether it can run.
    pub state: RunState,
    /// What it has done.
    pub work: Work,
    /// Whether it has opened `/dev/tty` to read: then it talks with a person, whatever its input is.
    pub reads_terminal: bool,
}

/// What came in by TCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// Bytes for each connection that is open, by a number that is its own as long as it is.
    Bytes(BTreeMap<u64, u64>),
    /// This system tells only how many connections are open.
    Connections(usize),
}

/// The tree of one holder at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When, on a clock that stands still while the machine sleeps.
    pub at: Duration,
    /// The holder and its descendants.
    pub members: BTreeMap<ProcessId, Member>,
    /// What came in by TCP, in the whole tree.
    pub received: Received,
    /// How many files have appeared in the registry of the Cargo home whose package cache it holds, since the daemon began
    /// to count; 0 for a holder of other locks.
    pub registry_files: u64,
    /// When something changed last in `deps`, `build`, `incremental` and `.fingerprint` of the profile whose build lock it
    /// holds, since 1970; none for a holder of other locks.
    pub output: Option<Duration>,
}

impl Sample {
    /// Whether a TCP connection is open.
    pub fn is_connected(&self) -> bool {
        match &self.received {
            Received::Bytes(connections) => !connections.is_empty(),
            Received::Connections(count) => *count > 0,
        }
    }
}
