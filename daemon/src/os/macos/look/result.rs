//! What a look found, as everything above wants it: the files in use, and in words what is not certain.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::super::attribution::{Candidate, Doubt, Judgement};
use super::super::tables::{Held, Tables, Whose, is_cargo_like};
use super::scan::Sighting;
use super::{Asking, Course, Entries, Entry, Looker};
use crate::os::{Claim, FileId, LockTable, LockedFile, Note, Precision};
use crate::process::{Pid, ProcessId};

impl<T: Tables> Looker<T> {
    /// The processes that wait for a file's lock.
    fn waiters(&self, id: FileId, entry: &Entry<T::File>) -> Vec<Claim> {
        let now = self.tables.now();
        let is_told = |one: &Candidate| {
            self.first_seen
                .get(&(one.process, one.fd, id))
                .is_some_and(|first| now.saturating_sub(*first) >= self.limits.waits)
        };
        let waiting: BTreeSet<ProcessId> = entry
            .possible_waiters()
            .iter()
            .filter(|one| is_told(one))
            .map(|one| one.process)
            .collect();
        waiting
            .into_iter()
            .map(|process| Claim { process, mode: None })
            .collect()
    }

    /// The result, and what the next look remembers of it.
    pub(super) fn table(&mut self, entries: Entries<T::File>, mut course: Course<'_>) -> LockTable {
        self.names.clear();
        let mut files = Vec::new();
        for (id, entry) in entries {
            let Some(judgement) = entry.judgement.clone().filter(|found| !found.free) else {
                continue;
            };
            let waiters = self.waiters(id, &entry);
            if judgement.holders.is_empty() && waiters.is_empty() && judgement.doubt == Some(Doubt::Unasked) {
                continue;
            }
            let path = path_as_shown(&entry, &judgement.holders);
            self.names.insert(id, path.clone());
            self.note(&path, &entry, &judgement, &mut course);
            files.push(LockedFile {
                file: id,
                path,
                deleted: entry.sightings.iter().any(|one| one.vnode.links == 0),
                other_mount_namespace: false,
                holders: judgement.holders,
                waiters,
            });
        }
        files.sort_by(|one, other| (&one.path, one.file).cmp(&(&other.path, other.file)));
        let is_certain = |note: &Note| matches!(note, Note::OtherUser { pid: Some(_), .. });
        LockTable {
            files,
            precision: if course.notes.iter().all(is_certain) {
                Precision::Exact
            } else {
                Precision::Inferred
            },
            notes: course.notes.into_iter().collect(),
            asked: BTreeMap::new(),
        }
    }

    /// Says what is not certain about a file.
    fn note(&self, path: &Path, entry: &Entry<T::File>, judgement: &Judgement, course: &mut Course<'_>) {
        let path = path.to_owned();
        match &entry.asking {
            Asking::Through(_) => {}
            Asking::Guarded => {
                course.notes.insert(Note::PrivacyGuarded { path: path.clone() });
            }
            Asking::Impossible(why) => {
                course.notes.insert(Note::Unreadable {
                    path: path.clone(),
                    error: why.clone(),
                });
            }
        }
        if let Some(pid) = self.stranger(entry.after) {
            course.notes.insert(Note::OtherUser {
                path: path.clone(),
                pid: Some(pid),
            });
        }
        if judgement.holders.is_empty() {
            let is_hidden = course.denied || self.another_user_runs_cargo();
            course.notes.insert(if is_hidden {
                Note::OtherUser { path, pid: None }
            } else {
                Note::NobodyFound { path }
            });
        } else if matches!(judgement.doubt, Some(Doubt::Changed | Doubt::Ambiguous)) {
            let holders = judgement.holders.iter();
            let pids = holders.map(|claim| claim.process.pid).collect();
            course.notes.insert(Note::Ambiguous { path, pids });
        }
    }

    /// The holder where it is another user's. Only of a POSIX lock does the kernel name one.
    fn stranger(&self, held: Option<Held>) -> Option<Pid> {
        let Some(Held::Posix(_, pid)) = held else {
            return None;
        };
        let others = self.tables.processes(Whose::Others).ok()?;
        others.iter().any(|other| other.pid == pid).then_some(pid)
    }

    fn another_user_runs_cargo(&self) -> bool {
        self.tables
            .processes(Whose::Others)
            .is_ok_and(|others| others.iter().any(|other| is_cargo_like(&other.name)))
    }
}

/// The name of the file as a holder's descriptor shows it, else as another's does, else as it was known.
fn path_as_shown<F>(entry: &Entry<F>, holders: &[Claim]) -> PathBuf {
    let of_holder = |one: &&Sighting| holders.iter().any(|claim| claim.process == one.process);
    let with_path = || entry.sightings.iter().filter(|one| one.path.is_some());
    with_path()
        .find(of_holder)
        .or_else(|| with_path().next())
        .and_then(|one| one.path.clone())
        .unwrap_or_else(|| entry.path.clone())
}
