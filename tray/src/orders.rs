//! What is asked of the daemon, each in a thread that ends with the answer.

use std::time::Duration;

use jiff::ZonedDateTime;
use lockwatch::client::{Client, ClientError};
use lockwatch::folders::Folders;
use lockwatch::history::Report as Past;
use lockwatch::protocol;
use lockwatch::stop::{Report, Step};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrderError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("no daemon runs; start it with the menu, or with `lockwatch daemon`")]
    NoDaemon,
    #[error("no thread can be started ({0}); end some processes")]
    Thread(std::io::Error),
}

/// Has a holder stopped, or finds out whom that would meet. `grace` is how long its processes have for ending.
pub(crate) fn stop(
    folders: &Folders,
    wish: protocol::Stop,
    grace: Duration,
    told: &mut dyn FnMut(Step),
) -> Result<Report, OrderError> {
    let mut client = Client::connect(folders)?.ok_or(OrderError::NoDaemon)?;
    Ok(client.stop(wish, grace, told)?)
}

/// For how long somebody has waited since midnight.
pub(crate) fn waited_today(folders: &Folders) -> Option<Duration> {
    let midnight = ZonedDateTime::now().start_of_day().ok()?.timestamp();
    let mut client = Client::connect(folders).ok()??;
    let asked = protocol::History {
        since: Some(midnight),
        // The sum is of all of them, whatever is listed.
        limit: Some(1),
        lock: None,
    };
    let past: Past = client.history(asked).ok()?;
    Some(Duration::from_millis(past.summary.waited_ms))
}
