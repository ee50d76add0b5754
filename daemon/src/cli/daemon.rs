//! `lockwatch daemon`: the daemon, in the foreground.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::{Pid, Resource, Rlimit};

use super::Error;
use super::exit::Code;
use super::output::{self, Output};
use crate::clock::Moment;
use crate::config::Config;
use crate::engine::{self, Options, Request};
use crate::folders::Folders;
use crate::history::{self, Query, Recorder};
use crate::os::{Kernel as _, System};
use crate::places::CargoHomes;
use crate::server::{self, BindError, Second, Server};
use crate::state::Source;
use crate::stop::{Outcome, Step, StopEvent, Stops};
use crate::tracker::HoldEnd;
use crate::{logs, protocol, text};

const EXAMPLES: &str = "\
Examples:
  lockwatch daemon &                  watch in the background of this shell
  lockwatch daemon --wait             take over where a daemon runs already, when it ends
  LOCKWATCH_LOG=debug lockwatch daemon
  LOCKWATCH_HOME=/tmp/second lockwatch daemon

It ends by Ctrl-C, SIGTERM or SIGHUP. Programs talk to it by its socket; the protocol is described in daemon/protocol.md.";

/// Watch the locks all the time, and answer who asks
///
/// It stays in the foreground. Where one runs already, it says so and ends.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Where a daemon runs already, wait until it ends and take over; so it does also under launchd and systemd
    #[arg(long)]
    wait: bool,
    /// Begin a session of its own, so that it outlives the one that it was started in
    #[arg(long, hide = true)]
    new_session: bool,
}

/// How long a daemon that starts or ends is given before a second one says that it does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many holds, and as many waits, are told in one answer on the socket: some 700 bytes each, far from the longest line
/// that a client must be able to take.
const ON_THE_SOCKET: usize = 5000;

/// So many descriptors are enough for all clients and many locks; macOS gives 256 unasked.
const DESCRIPTORS: u64 = 8192;

pub(super) fn run(args: &Args, out: &mut Output) -> Result<Code, Error> {
    if args.new_session {
        // It fails only where the process has a session or a group of its own already.
        let _ = rustix::process::setsid();
    }
    let folders = Folders::from_env().map_err(BindError::from)?;
    let (config, warnings) = Config::load(&folders.config_file)?;
    let managed = is_managed(
        |name| std::env::var_os(name),
        std::process::id(),
        rustix::process::getppid().map(Pid::as_raw_pid),
    );
    let second = if args.wait || managed {
        Second::Waits
    } else {
        Second::GivesUp { patience: PATIENCE }
    };
    let server = match Server::bind(&folders, second) {
        Ok(server) => server,
        Err(running @ BindError::AlreadyRunning(_)) => {
            out.write(&format!("{running}\n"))?;
            return Ok(Code::Done);
        }
        Err(error) => return Err(error.into()),
    };
    let wish = std::env::var_os(logs::VARIABLE).map(|wish| text::to_utf8(&wish).into_owned());
    for wrong in logs::begin(&folders.logs, wish.as_deref()) {
        output::complain(&wrong.to_string());
    }
    for warning in warnings {
        output::complain(&warning);
        tracing::warn!("{warning}");
    }
    raise_the_descriptors();
    out.write(&format!(
        "answering on {} (pid {})\n",
        text::escape_path(server.path()),
        std::process::id()
    ))?;
    out.flush()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let ended = runtime.block_on(async {
        let ended = server::signals().map_err(Error::Runtime)?;
        let recorder = recorder(&folders, &config);
        let homes = CargoHomes::from_env().with(config.cargo_homes);
        let stops = Stops::new(homes.clone(), config.stop);
        let engine = engine::start(Options {
            recorder: Some(recorder),
            homes,
            source: Source::Daemon,
            thresholds: config.thresholds,
        })?;
        // The engine ends when nobody can ask it any more, so whoever tells of stops does not count.
        let requests = engine.requests.downgrade();
        let stops = stops.telling(Arc::new(move |event| {
            if let Some(requests) = requests.upgrade() {
                for request in told_of(event) {
                    let _ = requests.blocking_send(request); // it may be ending
                }
            }
        }));
        let server = server.with_stops(stops);
        let file = folders.history();
        let history = Arc::new(move |asked: &protocol::History| past(&file, asked));
        server.run(engine, history, ended).await.map_err(Error::Runtime)
    });
    // A stop that gives its processes an hour is not waited for.
    runtime.shutdown_background();
    ended.map(|_| Code::Done)
}

/// What the engine is to know of a stop.
fn told_of(event: StopEvent<'_>) -> Vec<Request> {
    match event {
        StopEvent::Step(order, Step::Terminate) => {
            vec![Request::Stopping(order.token.process, Some(HoldEnd::Stopped))]
        }
        StopEvent::Step(order, Step::Kill) => vec![Request::Stopping(order.token.process, Some(HoldEnd::Forced))],
        // That it has ended may be seen only later; whoever lives on may hold other locks, and end by itself.
        StopEvent::End(order, report) => {
            let how = if report.forced {
                HoldEnd::Forced
            } else {
                HoldEnd::Stopped
            };
            vec![
                Request::Stopping(order.token.process, (report.outcome == Outcome::Ended).then_some(how)),
                Request::Stopped(Box::new(report.clone())),
            ]
        }
    }
}

fn recorder(folders: &Folders, config: &Config) -> Recorder {
    Recorder::open(
        folders.history(),
        config.history,
        System::new().boot_id(),
        &Moment::now(),
    )
}

/// What was, as one line of JSON.
fn past(file: &Path, asked: &protocol::History) -> Result<String, String> {
    let query = Query {
        since: asked.since.unwrap_or(Timestamp::UNIX_EPOCH),
        lock: asked.lock,
        limit: asked.limit.map_or(ON_THE_SOCKET, |limit| {
            ON_THE_SOCKET.min(usize::try_from(limit).unwrap_or(usize::MAX))
        }),
    };
    let report = history::query(file, &query).map_err(|error| error.to_string())?;
    serde_json::to_string(&report).map_err(|error| error.to_string())
}

/// Whether a service manager started this process itself, and starts it again when it ends: then a daemon that was
/// started by hand is waited for, and the manager is not made to try again and again.
///
/// Both leave a mark in the environment that their children inherit, shells too. systemd also names the process that it
/// started (`SYSTEMD_EXEC_PID`, systemd.exec(5), since version 248). Of launchd the process is a child, and its mark is
/// the job's name, which for whatever an app or a login started is `0` or `application.…`.
fn is_managed(variable: impl Fn(&str) -> Option<OsString>, own: u32, parent: Option<i32>) -> bool {
    let text = |name| variable(name).and_then(|value| value.into_string().ok());
    let by_systemd = variable("INVOCATION_ID").is_some() && text("SYSTEMD_EXEC_PID") == Some(own.to_string());
    let is_job = |name: &String| !name.is_empty() && name != "0" && !name.starts_with("application.");
    let by_launchd = parent == Some(1) && text("XPC_SERVICE_NAME").as_ref().is_some_and(is_job);
    by_systemd || by_launchd
}

/// As far as the system allows; with fewer the daemon works too, for fewer clients.
fn raise_the_descriptors() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or(DESCRIPTORS, |maximum| maximum.min(DESCRIPTORS));
    if limit.current.is_some_and(|current| current < most) {
        let raised = Rlimit {
            current: Some(most),
            ..limit
        };
        if let Err(error) = rustix::process::setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "the limit of open files stays low");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn started_by_a_service_manager_or_by_hand() {
        let (systemd, launchd) = (("INVOCATION_ID", "abc"), "XPC_SERVICE_NAME");
        for (environment, parent, managed) in [
            (&[systemd, ("SYSTEMD_EXEC_PID", "70")][..], Some(900), true),
            // A shell in a terminal that systemd started, and what is started in it.
            (&[systemd, ("SYSTEMD_EXEC_PID", "7")], Some(900), false),
            (&[systemd], Some(900), false),
            (&[(launchd, "com.example.lockwatch")], Some(1), true),
            (&[(launchd, "com.example.lockwatch")], Some(900), false),
            (&[(launchd, "0")], Some(1), false),
            (&[(launchd, "application.com.apple.Terminal.1.2")], Some(1), false),
            (&[(launchd, "")], Some(1), false),
            (&[], Some(1), false),
            (&[], None, false),
        ] {
            let variable = |name: &str| {
                let found = environment.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| OsString::from(value))
            };
            assert_eq!(is_managed(variable, 70, parent), managed, "{environment:?} {parent:?}");
        }
    }
}
