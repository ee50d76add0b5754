//! The descendants of a process, asked from the kernel.

use crate::os::Kernel;
use crate::process::{Detail, Pid, Process, ProcessId, RunState};
use crate::stop::plan::{Known, Plan};

/// No chain of ancestors is longer than this; a longer one is a loop that a reused process number made.
const MAX_ANCESTORS: usize = 64;

/// The numbers of a process's ancestors, the parent first.
pub(super) fn ancestors<K: Kernel>(kernel: &mut K, pid: Pid) -> Vec<Pid> {
    let mut chain = Vec::new();
    let mut next = pid;
    while let Ok(process) = kernel.process(next, Detail::Brief) {
        let parent = process.parent;
        if parent == 0 || chain.contains(&parent) || chain.len() == MAX_ANCESTORS {
            break;
        }
        chain.push(parent);
        next = parent;
    }
    chain
}

/// Adds all descendants of a process, which is known to the plan.
pub(super) fn add_descendants<K: Kernel>(kernel: &mut K, plan: &mut Plan, of: ProcessId) {
    let mut parents = vec![of];
    while let Some(parent) = parents.pop() {
        for child in children(kernel, parent) {
            let id = child.id;
            if plan.add(Known::of(child)) {
                parents.push(id);
            }
        }
    }
}

/// The children of this very process.
fn children<K: Kernel>(kernel: &mut K, parent: ProcessId) -> Vec<Process> {
    let listed = kernel.children(parent.pid);
    let mut children: Vec<Process> = listed
        .into_iter()
        .filter_map(|pid| kernel.process(pid, Detail::Full).ok())
        .filter(|child| child.parent == parent.pid && child.id.start >= parent.start)
        .collect();
    // What named this number as its parent meant this process only if it has the number still.
    if !children.is_empty() && !is_there(kernel, parent) {
        children.clear();
    }
    children
}

/// Whether a process has its number still, which it also has when it has ended and is not reaped.
fn is_there<K: Kernel>(kernel: &mut K, id: ProcessId) -> bool {
    kernel.process(id.pid, Detail::Brief).is_ok_and(|now| now.id == id)
}

/// A process as it is now, if it lives.
pub(super) fn living<K: Kernel>(kernel: &mut K, id: ProcessId, detail: Detail) -> Option<Process> {
    let now = kernel.process(id.pid, detail).ok()?;
    (now.id == id && now.state != RunState::Zombie).then_some(now)
}
