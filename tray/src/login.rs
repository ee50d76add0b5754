//! Whether the tray starts at login, which launchd or systemd knows. It is asked anew each time the menu opens, because
//! others can change it.

use lockwatch::service::{Agent, AtLogin, ServiceError, Services};

use crate::menu::Login;

/// What is so now.
pub(crate) fn read() -> Login {
    match Services::of_this_user().and_then(|services| services.status(Agent::Tray)) {
        Ok(status) => match status.at_login {
            AtLogin::Yes => Login::Yes,
            AtLogin::No => Login::No,
            AtLogin::Disabled => Login::Unknown("turned off in the system's settings"),
        },
        Err(ServiceError::NoManager { .. }) => Login::Unknown("no service manager here"),
        Err(_) => Login::Unknown("cannot be told"),
    }
}

/// Changes it. What runs goes on; where the service is not installed yet, it is.
pub(crate) fn set(wanted: bool) -> Result<(), ServiceError> {
    let services = Services::of_this_user()?;
    if wanted && services.status(Agent::Tray)?.file.is_none() {
        return services.install(Agent::Tray, &Agent::Tray.program()?, &mut |_| ());
    }
    services.set_at_login(Agent::Tray, wanted, &mut |_| ())
}
