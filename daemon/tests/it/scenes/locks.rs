//! Who waits for whom.

use super::builds;
use super::cast::Cast;
use super::stage::Stage;

/// A real cargo, inside the build script of another one, on the same target directory.
const BUILDS_ITSELF: &str = r#"
fn main() {
    if std::env::var_os("LOCKWATCH_TEST_INNER").is_some() {
        return;
    }
    let cargo = std::env::var_os("CARGO").expect("is set");
    let inner = std::process::Command::new(cargo).args(["build", "--offline"]).env("LOCKWATCH_TEST_INNER", "1").status();
    println!("cargo::warning={inner:?}");
}
"#;

pub(super) fn cargo_inside_a_build_script(stage: &Stage) -> Cast {
    let project = stage.place().project("outer", "", Some(BUILDS_ITSELF));
    Cast::of(stage.start(&mut stage.cargo(&project, &["build"])))
}

/// A cargo that compiles, and in whose tree another one waits for its lock ten times, a tenth of a second each.
pub(super) fn descendant_waits_briefly(stage: &Stage) -> Cast {
    let lock = stage.path("project/target/debug/.cargo-lock");
    let compiling = stage.made("compiling");
    let mut cargo = stage.command("cargo", &["build"]);
    let (holds, waits) = (format!("lock exclusive {lock}"), format!("wait-briefly-for {lock} 10"));
    stage.program("cargo-waits");
    stage.casts(&mut cargo, "rustc", &[&format!("busy {}", compiling.display()), "sit"]);
    stage.casts(&mut cargo, "cargo", &[&holds, "start rustc", &waits, "sit"]);
    Cast::of(stage.start(&mut cargo))
}

/// Three holders behind each other, and a real cargo behind them all; the last holder is judged.
pub(super) fn chain_of_three(stage: &Stage) -> Cast {
    let last = stage.place().project("last", "", Some(builds::SLEEPS));
    let lock = |name: &str| stage.path(&format!("{name}/target/debug/.cargo-lock"));
    let mut pids = Vec::new();
    for (own, behind) in [("first", None), ("second", Some("first")), ("last", Some("second"))] {
        let mut cargo = stage.command("cargo", &["build"]);
        let mut actions = vec![
            format!("lock exclusive {}", lock(own)),
            format!("note {}", stage.path(own) + ".pid"),
        ];
        actions.extend(behind.map(|name| format!("lock exclusive {}", lock(name))));
        actions.push("sit".to_owned());
        stage.casts(
            &mut cargo,
            "cargo",
            &actions.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        pids.push(stage.start(&mut cargo));
        // Each has its own lock before the next one asks for it.
        stage.noted(&format!("{own}.pid"));
    }
    stage.start(&mut stage.cargo(&last, &["build", "--offline"]));
    Cast::of(pids[2]).naming(pids[0])
}
