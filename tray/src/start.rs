//! Starts a daemon where none answers: the installed service, or else one in a session of its own, which outlives the tray.

use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use lockwatch::service::{Agent, ServiceError, Services};
use lockwatch::text;

/// Why none was started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error("{} cannot be started ({source}); put it beside lockwatch-tray", text::escape_path(.program))]
    Program { program: PathBuf, source: io::Error },
    #[error("the daemon has ended at once ({0}); run `lockwatch daemon` in a terminal to see why")]
    Ended(ExitStatus),
}

/// Starts one; whether it answers is seen on its socket. Where it is no service, this returns when it has ended.
pub(crate) fn daemon() -> Result<(), StartError> {
    // Where there is no service manager, or it cannot be asked, there is no service that could be started.
    if let Ok(services) = Services::of_this_user()
        && services.status(Agent::Daemon).is_ok_and(|status| status.file.is_some())
    {
        return Ok(services.start(Agent::Daemon, &mut |_| ())?);
    }
    let program = Agent::Daemon.program()?;
    let mut command = Command::new(&program);
    command
        .args(["daemon", "--new-session"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // The thread that waits takes the daemon's end, so that no zombie stays.
    let ended = command.spawn().and_then(|mut child| child.wait());
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(StartError::Ended(status)),
        Err(source) => Err(StartError::Program { program, source }),
    }
}
