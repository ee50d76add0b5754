//! Signatures of macOS, by `codesign`.
//!
//! The identity comes from `LOCKWATCH_SIGN_IDENTITY` (`security find-identity -v -p codesigning` lists them). Without one
//! the app is signed ad hoc: it runs on this Mac with its notifications, and on another one after the user has allowed it.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::Error;
use crate::bundle::{IDENTIFIER, PROGRAMS};
use crate::command::run;
use crate::programs::LOCKWATCH;

const WAY_OUT: &str = "signing is done on a Mac, with the command line tools: `xcode-select --install`";

/// The identity that was given.
fn identity() -> Option<OsString> {
    std::env::var_os("LOCKWATCH_SIGN_IDENTITY").filter(|identity| !identity.is_empty())
}

/// Signs an app: first the program inside that the app is not started by, then the whole.
pub(crate) fn app(app: &Path) -> Result<(), Error> {
    let identity = identity();
    let inner = app.join(PROGRAMS).join(LOCKWATCH);
    for (path, name) in [
        (inner.as_path(), format!("{IDENTIFIER}.daemon")),
        (app, IDENTIFIER.to_owned()),
    ] {
        let mut command = codesign(identity.as_ref());
        // The hardened runtime is what Apple asks for before it notarizes.
        command.args(["--options", "runtime", "--identifier", &name]).arg(path);
        run(&mut command, WAY_OUT)?;
    }
    let mut verify = Command::new("codesign");
    verify.args(["--verify", "--deep", "--strict"]).arg(app);
    run(&mut verify, WAY_OUT)?;
    Ok(())
}

/// Signs a disk image, where there is an identity: a signature ad hoc would say nothing there.
pub(crate) fn image(image: &Path) -> Result<(), Error> {
    if let Some(identity) = identity() {
        run(codesign(Some(&identity)).arg(image), WAY_OUT)?;
    }
    Ok(())
}

fn codesign(identity: Option<&OsString>) -> Command {
    let mut command = Command::new("codesign");
    command.args(["--force", "--sign"]);
    match identity {
        // The time of Apple's server, which notarizing needs too.
        Some(identity) => command.arg(identity).arg("--timestamp"),
        None => command.arg("-"),
    };
    command
}
