//! Downloads, by real cargos, from loopback alone.

use std::net::TcpListener;
use std::process::Command;

use super::cast::Cast;
use super::registry::{SLOW, SlowRegistry};
use super::stage::Stage;
use crate::cargos::stage::{SILENT, SilentRegistry};
use crate::window::Window;

/// So long that no cargo gives up before its scene ends, in seconds.
const FOR_EVER: &str = "7200";

/// A registry that sends 1 KiB a second.
pub(super) fn slow_registry(stage: &Stage) -> Cast {
    let registry = SlowRegistry::new();
    std::fs::write(stage.place().home().join("config.toml"), registry.configuration()).expect("writes");
    let project = stage.place().project("fetches", SLOW, None);
    let mut cargo = stage.cargo(&project, &["fetch"]);
    cargo.env("CARGO_HTTP_TIMEOUT", FOR_EVER);
    Cast::of(stage.start(&mut cargo)).with(registry)
}

/// A registry that takes the connection and never answers.
pub(super) fn silent_registry(stage: &Stage) -> Cast {
    let registry = SilentRegistry::new();
    let mut cargo = asks_the_silent_one(stage, &registry, &["fetch"]);
    Cast::of(stage.start(&mut cargo)).with(registry)
}

/// A cargo that asks the registry which never answers.
pub(super) fn asks_the_silent_one(stage: &Stage, registry: &SilentRegistry, arguments: &[&str]) -> Command {
    registry.configure(stage.place());
    let project = stage.place().project("asks", SILENT, None);
    let mut cargo = stage.cargo(&project, arguments);
    cargo.env("CARGO_HTTP_TIMEOUT", FOR_EVER);
    cargo
}

/// A git dependency whose ssh asks for a passphrase, in a terminal.
pub(super) fn ssh_asks(stage: &Stage) -> Cast {
    let cargo = fetches_by_ssh(stage, &["ask", "sit"]);
    let window = Window::open((80, 24), &cargo, true);
    Cast::of(window.pid()).with(window)
}

/// The same whose ssh waits for its server, as long as that counts objects. It has a connection, on which nothing comes.
pub(super) fn ssh_counts(stage: &Stage) -> Cast {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("has one");
    let mut cargo = fetches_by_ssh(stage, &[&format!("connect {address}"), "sit"]);
    Cast::of(stage.start(&mut cargo)).with(listener)
}

/// A cargo that asks a credential helper, which asks a person in a window of its own: no terminal shows that.
pub(super) fn credential_helper_asks(stage: &Stage) -> Cast {
    let lock = stage.path("home/.package-cache");
    let mut cargo = stage.command("cargo", &["fetch"]);
    stage.casts(&mut cargo, "cargo-credential-vault", &["sit"]);
    let holds = format!("lock exclusive {lock}");
    stage.casts(&mut cargo, "cargo", &[&holds, "start cargo-credential-vault", "sit"]);
    Cast::of(stage.start(&mut cargo))
}

fn fetches_by_ssh(stage: &Stage, ssh: &[&str]) -> Command {
    let dependency = "dependency = { git = \"ssh://git@127.0.0.1/dependency.git\" }";
    let project = stage.place().project("fetches", dependency, None);
    let manifest = project.join("Cargo.toml");
    let mut cargo = stage.cargo(
        &project,
        &["fetch", "--manifest-path", manifest.to_str().expect("plain")],
    );
    cargo
        .env("CARGO_NET_GIT_FETCH_WITH_CLI", "true")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_SSH_COMMAND", stage.program("ssh"));
    stage.casts(&mut cargo, "ssh", ssh);
    cargo
}
