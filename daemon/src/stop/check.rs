//! The check: whether a token still means what it meant, by the kernel as it is now.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Order;
use super::plan::{Bounds, Known, Why};
use super::report::{Refusal, RefusalKind};
use super::tree;
use crate::cargo::command;
use crate::cargo::lock_kind;
use crate::cargo::origin;
use crate::os::{Descriptors, FileId, Interest, Kernel, Mode, Note, ProcessError};
use crate::places::CargoHomes;
use crate::process::{Detail, Process, ProcessId, RunState};
use crate::text;

/// A holder that may be stopped.
pub(super) struct Target {
    pub(super) holder: Known,
    pub(super) path: PathBuf,
    /// Cargo's word for the lock.
    pub(super) label: String,
    pub(super) bounds: Bounds,
}

/// Checks everything anew. Nothing that was known before counts, but the token.
pub(super) fn check<K: Kernel>(kernel: &mut K, homes: &CargoHomes, order: &Order) -> Result<Target, Refusal> {
    let id = order.token.process;
    if order.token.boot_id != kernel.boot_id() {
        return Err(RefusalKind::Gone.into());
    }
    let holder = living(kernel, id)?;
    let refuse = |kind| Refusal {
        kind,
        command: Some(holder.command.clone()),
    };
    let bounds = bounds(kernel, order, &holder.process);
    bounds.judge_identity(&holder).map_err(|why| refuse(refusal_of(why)))?;
    let (path, mode) = held(kernel, homes, id, order.token.file).map_err(|kind| {
        // It may have ended meanwhile: its files are closed then.
        let has_ended = tree::living(kernel, id, Detail::Brief).is_none();
        refuse(if has_ended { RefusalKind::Gone } else { kind })
    })?;
    if !may_be_stopped(&holder, &order.programs) {
        return Err(refuse(RefusalKind::NotCargo));
    }
    let is_home = |folder: &Path| homes.contains(folder);
    let version = holder.process.exe.as_deref().and_then(command::toolchain);
    let version = version.as_deref().and_then(command::toolchain_version);
    let label = lock_kind::recognise(&path, &is_home).map_or_else(
        || text::escape_path(&path),
        |table| table.label(&path, mode, version, holder.program.subcommand()),
    );
    Ok(Target {
        holder,
        path,
        label,
        bounds,
    })
}

/// The process of a token.
fn living<K: Kernel>(kernel: &mut K, id: ProcessId) -> Result<Known, Refusal> {
    match kernel.process(id.pid, Detail::Full) {
        Ok(process) if process.id == id && process.state != RunState::Zombie => Ok(Known::of(process)),
        Ok(_) | Err(ProcessError::Gone) => Err(RefusalKind::Gone.into()),
        Err(ProcessError::Denied) => Err(RefusalKind::OtherUser.into()),
        Err(ProcessError::Other(_)) => Err(RefusalKind::Unproven.into()),
    }
}

/// Who must not be signalled.
fn bounds<K: Kernel>(kernel: &mut K, order: &Order, holder: &Process) -> Bounds {
    let mut never = BTreeMap::new();
    let of_holder = tree::ancestors(kernel, holder.id.pid);
    never.extend(of_holder.into_iter().map(|pid| (pid, Why::Ancestor)));
    for asks in [order.client, order.own] {
        let above = tree::ancestors(kernel, asks);
        never.extend(above.into_iter().map(|pid| (pid, Why::Ancestor)));
    }
    never.insert(order.client, Why::Client);
    never.insert(order.own, Why::Lockwatch);
    Bounds {
        uid: kernel.own_uid(),
        session: holder.session,
        never,
    }
}

fn refusal_of(why: Why) -> RefusalKind {
    match why {
        Why::First => RefusalKind::First,
        Why::Ancestor => RefusalKind::Ancestor,
        Why::Client | Why::Lockwatch => RefusalKind::Itself,
        Why::OtherUser | Why::NotPermitted => RefusalKind::OtherUser,
        Why::OtherSession | Why::Protected => RefusalKind::NotCargo,
    }
}

/// Whether a holder is one of the programs that are stopped.
fn may_be_stopped(holder: &Known, programs: &[String]) -> bool {
    let process = &holder.process;
    let is_cargo = holder.program.is_cargo();
    // A command that is added to cargo can be a script; any other shell is somebody's.
    if origin::must_not_be_stopped(process) || origin::is_shell(process) && !is_cargo {
        return false;
    }
    let file = process.exe.as_deref().and_then(Path::file_name);
    let own = process.argv.first().and_then(|own| Path::new(own).file_name());
    let names = [file, own, Some(process.name.as_ref())];
    let is_listed = |program: &String| names.iter().flatten().any(|name| *name == program.as_str());
    is_cargo || programs.iter().any(is_listed)
}

/// The path and the mode of the lock, if the process holds it.
fn held<K: Kernel>(
    kernel: &mut K,
    homes: &CargoHomes,
    id: ProcessId,
    file: FileId,
) -> Result<(PathBuf, Option<Mode>), RefusalKind> {
    let is_home = |folder: &Path| homes.contains(folder);
    let is_lock = |path: &Path| lock_kind::recognise(path, &is_home).is_some();
    match kernel.descriptors(id.pid, &is_lock) {
        Descriptors::Read { process, .. } if process != id => Err(RefusalKind::Gone),
        Descriptors::Read { files, .. } => {
            let mut of_file = files.into_iter().filter(|open| open.file == file);
            match of_file.find(|open| open.held.is_some()) {
                Some(open) => Ok((open.path, open.held)),
                None => Err(by_look(kernel, homes, id, file).err().unwrap_or(RefusalKind::Released)),
            }
        }
        Descriptors::Gone => Err(RefusalKind::Gone),
        Descriptors::Failed => Err(RefusalKind::Unproven),
        Descriptors::Untold => by_look(kernel, homes, id, file),
    }
}

/// The same by a look at all locks, where a process's descriptors do not tell.
fn by_look<K: Kernel>(
    kernel: &mut K,
    homes: &CargoHomes,
    id: ProcessId,
    file: FileId,
) -> Result<(PathBuf, Option<Mode>), RefusalKind> {
    let is_home = |folder: &Path| homes.contains(folder);
    let is_lock = |path: &Path| lock_kind::recognise(path, &is_home).is_some();
    let interest = Interest {
        is_lock: &is_lock,
        known: &homes.lock_files(),
    };
    let table = kernel.locks(&interest).map_err(|_| RefusalKind::Unproven)?;
    let found = table.files.into_iter().find(|found| found.file == file);
    let found = found.ok_or(RefusalKind::Released)?;
    let is_doubtful = |note: &Note| match note {
        Note::Ambiguous { path, pids } => *path == found.path && pids.contains(&id.pid),
        _ => false,
    };
    if table.notes.iter().any(is_doubtful) {
        return Err(RefusalKind::Ambiguous);
    }
    if let Some(claim) = found.holders.iter().find(|claim| claim.process == id) {
        return Ok((found.path, claim.mode));
    }
    let waits = found.waiters.iter().any(|claim| claim.process == id);
    Err(if waits {
        RefusalKind::NotAHolder
    } else {
        RefusalKind::Released
    })
}
