//! A manager's program for tests: it notes what it is asked, and plays back what a real one has said.

use std::path::{Path, PathBuf};

use super::runner::Runner;

/// One command line that is expected, and the answer to it.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    asked: String,
    code: i32,
    out: String,
    err: String,
}

/// A command line that succeeds.
pub(super) fn ok(asked: &str) -> Turn {
    says(asked, "")
}

/// A command line that succeeds and prints something.
pub(super) fn says(asked: &str, out: &str) -> Turn {
    Turn {
        asked: asked.to_owned(),
        code: 0,
        out: out.to_owned(),
        err: String::new(),
    }
}

/// A command line that fails.
pub(super) fn fails(asked: &str, code: i32, err: &str) -> Turn {
    Turn {
        code,
        err: err.to_owned(),
        ..ok(asked)
    }
}

impl Turn {
    /// With other text for a part of its own.
    pub(super) fn replaced(self, part: &str, with: &str) -> Self {
        Self {
            asked: self.asked.replace(part, with),
            out: self.out.replace(part, with),
            ..self
        }
    }

    /// With something on standard output, too.
    pub(super) fn and_says(self, out: &str) -> Self {
        Self {
            out: out.to_owned(),
            ..self
        }
    }
}

/// The program.
#[derive(Debug)]
pub(super) struct Made {
    folder: tempfile::TempDir,
    turns: Vec<Turn>,
}

// Read by sh, not started itself: a program that has just been written may still be open in a child of another test.
const SCRIPT: &str = r#"
cd "$1" && shift
echo "$*" >> asked
n=$(($(wc -l < asked)))
[ -e "$n.code" ] || { echo "nobody expected this: $*" >&2; exit 99; }
cat "$n.out"
cat "$n.err" >&2
exit "$(cat "$n.code")"
"#;

impl Made {
    pub(super) fn new(turns: Vec<Turn>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: String, text: &str| std::fs::write(folder.path().join(name), text).expect("writes");
        write("script".to_owned(), SCRIPT);
        write("asked".to_owned(), "");
        for (n, turn) in (1..).zip(&turns) {
            write(format!("{n}.code"), &turn.code.to_string());
            write(format!("{n}.out"), &turn.out);
            write(format!("{n}.err"), &turn.err);
        }
        Self { folder, turns }
    }

    pub(super) fn runner(&self) -> Runner {
        let folder = self.folder.path();
        Runner::new("/bin/sh").with([folder.join("script"), folder.to_owned()])
    }

    /// A text in which it has the name of the program that it plays.
    pub(super) fn named(&self, name: &str, text: &str) -> String {
        let folder = self.folder.path().display();
        text.replace(&format!("sh {folder}/script {folder}"), name)
    }

    /// That it was asked just what was expected, in this order and to the end.
    pub(super) fn check(&self, what: &str) {
        let asked = std::fs::read_to_string(self.folder.path().join("asked")).expect("is there");
        let expected: Vec<&str> = self.turns.iter().map(|turn| turn.asked.as_str()).collect();
        assert_eq!(asked.lines().collect::<Vec<_>>(), expected, "{what}");
    }
}

/// An empty program that can be started.
pub(super) fn program(path: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(path.parent().expect("has one")).expect("makes it");
    std::fs::write(path, "").expect("writes");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("can");
    path.to_owned()
}
