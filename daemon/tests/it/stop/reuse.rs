//! Real process numbers that are given to another process while a stop is under way, in a namespace where the next number
//! can be chosen (`/proc/sys/kernel/ns_last_pid`).

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::{Completion, Trial};
use lockwatch::clock::Moment;
use lockwatch::observation::Observer;
use lockwatch::os::{
    Descriptors, Effort, Interest, Kernel, LockTable, LookError, ProcessError, Signal, SignalError, System,
};
use lockwatch::places::CargoHomes;
use lockwatch::process::{Detail, Pid, Process, ProcessId, RunState};
use lockwatch::stop::{Order, Outcome, RealClock, Report, stop};
use lockwatch::token::Token;
use lockwatch::work::Received;

use crate::support::{Running, folder, helper_command};

const LAST_PID: &str = "/proc/sys/kernel/ns_last_pid";

pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::ignorable_test(
        "stop::a_real_number_that_is_reused_before_each_question",
        reused_numbers,
    )]
}

fn reused_numbers() -> Result<Completion, libtest_mimic::Failed> {
    let inside = |program: &std::ffi::OsStr, arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]);
        command.arg(program).args(arguments).output()
    };
    let write = format!("echo 100 > {LAST_PID}");
    let may = inside("sh".as_ref(), &["-c", &write]);
    if !may.is_ok_and(|output| output.status.success()) {
        return Ok(Completion::ignored_with(
            "takes a user namespace in which the next process number can be chosen; the made kernel's test stands",
        ));
    }
    let own = std::env::current_exe()?;
    let output = inside(own.as_os_str(), &["helper", "reuse"])?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout)?;
    assert!(said.contains("nobody was hit"), "{said}");
    Ok(Completion::Completed)
}

/// A cargo of our own that holds the lock.
fn cargo(path: &Path) -> Running {
    let mut command = helper_command([Path::new("family"), path]);
    let mut running = Running::start(command.arg0("cargo").process_group(0));
    assert_eq!(running.line(), "locked");
    running
}

/// `reuse`: before each question that a stop asks the kernel, the holder ends and another cargo with the same number takes
/// the same lock. That one must live on.
pub(crate) fn reuse() {
    let place = folder();
    let path = place.path().join(".package-cache");
    let mut swapped = 0;
    for question in 1.. {
        let front = cargo(&path);
        let token = token(front.pid());
        until_another_tick(token.process);
        let mut kernel = Swapping {
            system: System::new(),
            left: question,
            old: Some(front),
            new: None,
            path: &path,
            sent: Vec::new(),
        };
        let report = stop_it(&mut kernel, token);
        let Some(mut new) = kernel.new.take() else {
            // It asked fewer questions than that.
            assert_eq!(report.outcome, Outcome::Ended, "{report:?}");
            break;
        };
        swapped += 1;
        let now = System::new().process(new.pid(), Detail::Brief).expect("lives");
        assert_eq!(now.id.pid, token.process.pid);
        assert_ne!(now.id, token.process);
        assert_ne!(now.state, RunState::Zombie);
        assert!(kernel.sent.iter().all(|id| *id != now.id), "{report:?}");
        // Nor does it get a signal that is on its way to it: it is still there to answer.
        assert!(
            new.child().try_wait().expect("waits").is_none(),
            "question {question}: {report:?}"
        );
    }
    assert!(swapped > 5, "only {swapped}");
    crate::helper::say(&format!("nobody was hit in {swapped} rounds"));
}

/// Linux counts a process's start in ticks of 10 ms. Two processes that are given one number within one tick cannot be told
/// apart by it; only a namespace like this one, where nobody else takes numbers, gets round to the same one so soon.
fn until_another_tick(process: ProcessId) {
    let ticks = u128::from(rustix::param::clock_ticks_per_second());
    crate::support::until("the clock to move on", || {
        let now = lockwatch::os::since_boot().as_millis() * ticks / 1000;
        (now > u128::from(process.start) + 1).then_some(())
    });
}

fn token(pid: Pid) -> Token {
    let look = Observer::new(System::new(), CargoHomes::from_env())
        .look(Moment::now())
        .expect("looks");
    let held = look.locks.iter().find_map(|lock| {
        let holder = lock.holders.iter().find(|claim| claim.process.pid == pid)?;
        Some((holder.process, lock.file))
    });
    let (process, file) = held.expect("is seen");
    let boot_id = look.boot_id;
    Token { boot_id, process, file }
}

fn stop_it(kernel: &mut Swapping<'_>, token: Token) -> Report {
    let order = Order {
        token,
        client: std::process::id(),
        own: std::process::id(),
        programs: Vec::new(),
        grace: Duration::from_millis(200),
        force: true,
        dry_run: false,
    };
    stop(
        kernel,
        &mut RealClock::new(),
        &CargoHomes::from_env(),
        &order,
        &mut |_| (),
    )
}

/// The real kernel; before one question the holder is replaced by another process of its number.
struct Swapping<'a> {
    system: System,
    left: usize,
    old: Option<Running>,
    new: Option<Running>,
    path: &'a Path,
    sent: Vec<ProcessId>,
}

impl Swapping<'_> {
    fn count(&mut self) {
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            return;
        }
        let Some(mut old) = self.old.take() else { return };
        let pid = old.pid();
        old.kill();
        drop(old);
        std::fs::write(LAST_PID, (pid - 1).to_string()).expect("chooses the next number");
        let new = cargo(self.path);
        assert_eq!(new.pid(), pid, "nobody else starts processes here");
        self.new = Some(new);
    }
}

impl Kernel for Swapping<'_> {
    fn boot_id(&self) -> u64 {
        self.system.boot_id()
    }

    fn own_uid(&self) -> u32 {
        self.system.own_uid()
    }

    fn locks(&mut self, interest: &Interest<'_>) -> Result<LockTable, LookError> {
        self.count();
        self.system.locks(interest)
    }

    fn descriptors(&mut self, pid: Pid, is_lock: &dyn Fn(&Path) -> bool) -> Descriptors {
        self.count();
        self.system.descriptors(pid, is_lock)
    }

    fn newcomers(&mut self) -> Vec<Pid> {
        self.system.newcomers()
    }

    fn process(&mut self, pid: Pid, detail: Detail) -> Result<Process, ProcessError> {
        self.count();
        self.system.process(pid, detail)
    }

    fn environment(&mut self, pid: Pid, names: &[&str]) -> BTreeMap<String, String> {
        self.system.environment(pid, names)
    }

    fn children(&mut self, pid: Pid) -> Vec<Pid> {
        self.count();
        self.system.children(pid)
    }

    fn effort(&mut self, pid: Pid) -> Result<Effort, ProcessError> {
        self.system.effort(pid)
    }

    fn received(&mut self, sockets: &BTreeSet<u64>) -> Received {
        self.system.received(sockets)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "it stands in for the real one, which the ladder signals by"
    )]
    fn signal(&mut self, process: ProcessId, signal: Signal) -> Result<(), SignalError> {
        self.count();
        self.sent.push(process);
        self.system.signal(process, signal)
    }
}
