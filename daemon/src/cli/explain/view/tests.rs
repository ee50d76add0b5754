use std::collections::BTreeSet;

use super::*;
use crate::cargo::lock_kind::LOCK_FILES;
use crate::os::made::Made;
use crate::process::RunState;
use crate::project::Workspace;

const BUILD: &str = "/home/me/src/parity/target/debug/.cargo-build-lock";
const OTHER: &str = "/home/me/src/other/target/debug/.cargo-build-lock";

fn is_home(path: &Path) -> bool {
    path == Path::new("/home/me/.cargo")
}

fn base() -> Made {
    Made::default()
        .process(1, 0, "/sbin/init", 90_000)
        .process(4600, 1, "rust-analyzer", 7_000)
        .process(4700, 1, "-zsh", 9_000)
        .process(4711, 4600, "cargo check --workspace --message-format=json", 133)
        .process(4800, 4700, "cargo build --release", 4)
}

fn contended() -> Made {
    base().lock(BUILD, &[(4711, '+')], &[(4800, '+')])
}

fn picture(made: Made) -> String {
    render(made, |view, state| plain(&view.picture(state)), None)
}

fn render(made: Made, text_of: impl Fn(&View<'_>, &State) -> String, minor: Option<u32>) -> String {
    let view = View {
        home: Some("/home/me"),
        width: None,
        version: minor.map(CargoVersion::one),
        folders: Folders {
            cargo_home: Some("/home/me/.cargo".into()),
            workspace: Some(Workspace {
                root: "/home/me/src/parity".into(),
                target: "/home/me/src/parity/target".into(),
                build: "/home/me/src/parity/target".into(),
            }),
        },
        is_home: &is_home,
    };
    let state = State::direct(&made.look(), &BTreeSet::new());
    text_of(&view, &state)
}

fn plain(coloured: &str) -> String {
    anstream::adapter::strip_str(coloured).to_string()
}

fn explained(made: Made, words: &str, minor: Option<u32>) -> String {
    let explanation = Explanation::of(words, minor.map(CargoVersion::one), &is_home).expect("is known");
    render(
        made,
        |view, state| plain(&view.explanations(&[(explanation.clone(), 1)], state)),
        minor,
    )
}

#[test]
fn a_build_that_waits_for_the_editor() {
    let words = format!("build directory ({BUILD})");
    insta::assert_snapshot!(explained(contended(), &words, Some(97)));
}

#[test]
fn nobody_holds_it_any_more() {
    insta::assert_snapshot!(explained(base(), "package cache", Some(97)));
}

#[test]
fn it_is_held_in_another_place() {
    insta::assert_snapshot!(explained(
        base().lock(OTHER, &[(4711, '+')], &[(4800, '+')]),
        "build directory",
        Some(97)
    ));
}

#[test]
fn who_is_in_nobodys_way_in_another_place_is_only_counted() {
    let text = explained(base().lock(OTHER, &[(4711, '+')], &[]), "build directory", Some(97));
    let unbroken = text.replace('\n', " ");
    assert!(
        unbroken.contains("In other places 1 process holds such a lock, and nobody waits for it"),
        "{text}"
    );
    assert!(!text.contains("pid 4711"), "{text}");
}

#[test]
fn a_wording_of_another_version() {
    insta::assert_snapshot!(explained(base(), "the registry index", Some(95)));
}

#[test]
fn the_version_is_not_known() {
    insta::assert_snapshot!(explained(base(), "artifact directory", None));
}

#[test]
fn the_file_was_deleted() {
    let made = contended().last_file(|file| file.deleted = true);
    let words = format!("build directory ({BUILD})");
    let text = explained(made, &words, Some(97));
    assert!(text.contains("was deleted while it was held"), "{text}");
}

#[test]
fn a_shared_lock_is_in_the_way_of_an_exclusive_one_only() {
    let made = || base().lock("/home/me/.cargo/.package-cache-mutate", &[(4711, '-')], &[]);
    let text = explained(made(), "shared package cache", Some(97));
    assert!(text.contains("Nobody holds such a lock now"), "{text}");
    let text = explained(made(), "package cache mutation", Some(97));
    assert!(text.contains("pid 4711"), "{text}");
}

#[test]
fn the_picture_of_the_moment() {
    insta::assert_snapshot!(picture(contended()));
}

#[test]
fn the_picture_of_a_stuck_holder() {
    let made = contended().with(4711, |process| process.state = RunState::Stopped);
    insta::assert_snapshot!(picture(made));
}

#[test]
fn the_picture_where_nothing_is_held() {
    insta::assert_snapshot!(picture(base()));
}

#[test]
fn a_compile_error_is_no_wait() {
    let symptom = crate::explain::symptom::of_text("error[E0425]: no").expect("is known");
    insta::assert_snapshot!(render(base(), |view, state| plain(&view.symptom(symptom, state)), None));
}

/// What is said of each wording, in short: the files and the versions.
#[test]
fn every_wording() {
    let mut words: Vec<&str> = LOCK_FILES
        .iter()
        .flat_map(|file| file.uses)
        .map(|usage| usage.words)
        .collect();
    words.retain(|words| !words.contains('<'));
    words.extend(["hello (3403525dd0384e50)", "serde-1.0.219", "serde-1.0.219.crate"]);
    words.sort_unstable();
    words.dedup();
    let mut text = String::new();
    for words in words {
        let _ = writeln!(text, "{words}");
        let explanation = Explanation::of(words, Some(CargoVersion::one(97)), &is_home).expect("is known");
        text += &render(
            base(),
            |view, _| {
                let mut text = String::new();
                view.about(&mut text, &explanation);
                plain(&text)
            },
            Some(97),
        );
    }
    insta::assert_snapshot!(text);
}
