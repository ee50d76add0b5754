//! Whatever happens in whatever order, the rows are what happened.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::tracker::Span;

#[derive(Clone, Copy, Debug)]
enum Step {
    Pass(u64),
    Take(u32),
    Ask(u32),
    Free,
    GiveUp(usize),
    Checkpoint,
    Restart,
    Boot,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..120_u64).prop_map(Step::Pass),
        1 => (10_000..100_000_u64).prop_map(Step::Pass),
        4 => (0..6_u32).prop_map(Step::Take),
        6 => (0..6_u32).prop_map(Step::Ask),
        5 => Just(Step::Free),
        1 => (0..4_usize).prop_map(Step::GiveUp),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::Restart),
        1 => Just(Step::Boot),
    ]
}

/// One lock with its holder and its queue, as the kernel and the tracker have it.
struct World {
    desk: Desk,
    recorder: Recorder,
    boot_id: u64,
    now: u64,
    holder: Option<Hold>,
    queue: Vec<Wait>,
    /// How often each hold ended that must have a row: by its begin and process, with its length.
    holds: BTreeMap<(Duration, u32, u64), u64>,
    short: u64,
    waits: BTreeMap<(Duration, u32, u64), Duration>,
}

impl World {
    fn new() -> Self {
        let desk = Desk::new();
        Self {
            recorder: desk.open(0),
            desk,
            boot_id: BOOT,
            now: 0,
            holder: None,
            queue: Vec::new(),
            holds: BTreeMap::new(),
            short: 0,
            waits: BTreeMap::new(),
        }
    }

    fn is_there(&self, pid: u32) -> bool {
        let pid_of = |who: &crate::observation::Participant| who.process.id.pid == pid;
        self.holder.as_ref().is_some_and(|hold| pid_of(&hold.who)) || self.queue.iter().any(|wait| pid_of(&wait.who))
    }

    fn take(&mut self, pid: u32) -> Change {
        let hold = hold(&cache(), &build(pid), self.now, false);
        self.holder = Some(hold.clone());
        Change::Took(hold)
    }

    fn end_wait(&mut self, wait: Wait, how: WaitEnd) -> Change {
        let length = moment(self.now).since(wait.begin.at);
        self.waits
            .insert((wait.begin.at, wait.who.process.id.pid, self.boot_id), length);
        Change::Went(wait, how)
    }

    fn free(&mut self, hold: Hold) -> Change {
        let length = milliseconds(moment(self.now).since(hold.begin.at));
        if length >= 50 || hold.blocked_somebody {
            self.holds
                .insert((hold.begin.at, hold.who.process.id.pid, self.boot_id), length);
        } else {
            self.short += 1;
        }
        Change::Freed(hold, HoldEnd::Released)
    }

    fn step(&mut self, step: Step) {
        // Two things at one moment would be one thing.
        self.now += 1;
        let mut changes = Vec::new();
        match step {
            Step::Pass(milliseconds) => self.now += milliseconds,
            Step::Take(pid) if self.holder.is_none() && !self.is_there(pid) => changes.push(self.take(pid)),
            Step::Ask(pid) if !self.is_there(pid) => {
                if let Some(holder) = &mut self.holder {
                    holder.blocked_somebody = true;
                    let wait = wait(&cache(), &build(pid), &[(self.now, Some(holder))]);
                    changes.push(Change::Asked(wait.clone()));
                    self.queue.push(wait);
                }
            }
            Step::Free => {
                if let Some(hold) = self.holder.take() {
                    changes.push(self.free(hold));
                    if !self.queue.is_empty() {
                        let first = self.queue.remove(0);
                        let pid = first.who.process.id.pid;
                        changes.push(self.end_wait(first, WaitEnd::Acquired));
                        changes.push(self.take(pid));
                        self.pass_on();
                    }
                }
            }
            Step::GiveUp(place) if place < self.queue.len() => {
                let wait = self.queue.remove(place);
                changes.push(self.end_wait(wait, WaitEnd::Left));
            }
            Step::Checkpoint => self.checkpoint(),
            Step::Restart => {
                self.recorder = Recorder::open(self.desk.path(), RETENTION, self.boot_id, &moment(self.now));
                // The tracker of a new daemon knows whom a wait is behind now, and not what was before.
                for wait in &mut self.queue {
                    wait.spans.truncate(1);
                    wait.spans[0].behind = self.holder.as_ref().map(|hold| (hold.who.process.id, hold.begin));
                }
                self.checkpoint();
            }
            Step::Boot => self.boot(),
            Step::Take(_) | Step::Ask(_) | Step::GiveUp(_) => {}
        }
        self.recorder.record(&changes, &moment(self.now));
    }

    /// Those who wait are behind the new holder now.
    fn pass_on(&mut self) {
        let Some(holder) = &mut self.holder else {
            return;
        };
        for wait in &mut self.queue {
            holder.blocked_somebody = true;
            wait.spans.push(Span {
                from: since_boot(self.now),
                behind: Some((holder.who.process.id, holder.begin)),
            });
        }
    }

    fn checkpoint(&mut self) {
        self.recorder
            .checkpoint(self.holder.iter(), self.queue.iter(), &moment(self.now));
    }

    /// The machine goes down just after a checkpoint, and everyone with it.
    fn boot(&mut self) {
        self.checkpoint();
        if let Some(hold) = self.holder.take()
            && (hold.blocked_somebody || moment(self.now).since(hold.begin.at) >= Duration::from_millis(50))
        {
            self.free(hold);
        }
        for wait in std::mem::take(&mut self.queue) {
            self.end_wait(wait, WaitEnd::Unseen);
        }
        self.boot_id = self.boot_id.wrapping_add(1);
        self.recorder = Recorder::open(self.desk.path(), RETENTION, self.boot_id, &moment(self.now));
        assert_eq!(self.recorder.left_open(), []);
    }

    fn holds_in_file(&self) -> Vec<String> {
        let sql = "SELECT begin_since_boot_ns, pid, boot_id, held_ms FROM holds WHERE end_ms IS NOT NULL
            ORDER BY begin_since_boot_ns, pid, boot_id";
        self.desk.rows(sql)
    }

    fn waits_in_file(&self) -> Vec<String> {
        let sql = "SELECT begin_since_boot_ns, pid, boot_id, sum(waited_ms), count(hold) = count(*) FROM waits
            WHERE end_ms IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
        self.desk.rows(sql)
    }
}

use crate::clock::milliseconds;

fn line((begin, pid, boot_id): (&Duration, &u32, &u64)) -> String {
    format!("{} {pid} {}", begin.as_nanos(), boot_id.cast_signed())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_end_has_its_row_once(steps in prop::collection::vec(step(), 0..60)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        let holds: Vec<_> = world.holds.iter()
            .map(|((begin, pid, boot), length)| format!("{} {length}", line((begin, pid, boot))))
            .collect();
        prop_assert_eq!(world.holds_in_file(), holds);
        let waits: Vec<_> = world.waits.iter()
            .map(|((begin, pid, boot), length)| {
                format!("{} {} 1", line((begin, pid, boot)), milliseconds(*length))
            })
            .collect();
        prop_assert_eq!(world.waits_in_file(), waits);
        let short = world.desk.rows("SELECT coalesce(sum(count), 0) FROM short_holds");
        prop_assert_eq!(short, [world.short.to_string()]);
        prop_assert_eq!(world.recorder.problem(), None);
    }
}
