//! A holder's tree of processes, from the kernel.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::{Kind, Member, Received, Sample};
use crate::os::{Effort, Kernel};
use crate::process::{Pid, ProcessId};

/// No tree has more processes than this; what is beyond is not looked at.
const MOST: usize = 2000;

/// Takes a sample of the holder and all its descendants. None where the holder has ended.
///
/// `at` is of a clock that stands still while the machine sleeps; for the others see [`Sample`].
pub fn sample<K: Kernel>(
    kernel: &mut K,
    holder: ProcessId,
    at: Duration,
    registry_files: u64,
    output: Option<Duration>,
) -> Option<Sample> {
    let own = kernel.effort(holder.pid).ok().filter(|own| own.process.id == holder)?;
    let mut tree = Tree::default();
    tree.add(own, None);
    while let Some(parent) = tree.open.pop_front() {
        for child in kernel.children(parent.pid) {
            if tree.members.len() >= MOST {
                break;
            }
            let Ok(effort) = kernel.effort(child) else {
                continue; // it has ended meanwhile
            };
            // A number that was given out again in the meantime is another process's child, or older than its parent.
            if effort.process.parent == parent.pid && effort.process.id.start >= parent.start {
                tree.add(effort, Some(parent));
            }
        }
    }
    let received = if tree.sockets.is_empty() {
        Received::Bytes(BTreeMap::new())
    } else if tree.is_elsewhere {
        Received::Connections(tree.sockets.len())
    } else {
        kernel.received(&tree.sockets)
    };
    Some(Sample {
        at,
        members: tree.members,
        received,
        registry_files,
        output,
    })
}

#[derive(Default)]
struct Tree {
    members: BTreeMap<ProcessId, Member>,
    sockets: BTreeSet<u64>,
    /// Whether some of them are where nothing is told of them: then what is told is not all that came in.
    is_elsewhere: bool,
    /// Those whose children are still to be looked at.
    open: VecDeque<ProcessId>,
    seen: BTreeSet<Pid>,
}

impl Tree {
    fn add(&mut self, effort: Effort, parent: Option<ProcessId>) {
        let Effort {
            process,
            work,
            reads_terminal,
            sockets,
            is_elsewhere,
        } = effort;
        if !self.seen.insert(process.id.pid) {
            return;
        }
        let parent = parent.and_then(|parent| self.members.get(&parent));
        let own_kind = Kind::of(&process.name);
        // The kernel cuts its name to `build-script-bu`.
        let name = match own_kind {
            Kind::BuildScript => "build script".to_owned(),
            _ => process.name,
        };
        let kind = match (own_kind, parent.map(|parent| parent.kind)) {
            // What a build script has compiled and linked is its own work.
            (Kind::Linker | Kind::Other, Some(Kind::BuildScript)) => Kind::BuildScript,
            (kind, _) => kind,
        };
        self.sockets.extend(sockets);
        self.is_elsewhere |= is_elsewhere;
        self.open.push_back(process.id);
        self.members.insert(
            process.id,
            Member {
                parent: process.parent,
                name,
                kind,
                state: process.state,
                work,
                reads_terminal,
            },
        );
    }
}

#[cfg(test)]
mod tests;
