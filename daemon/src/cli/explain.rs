//! `lockwatch explain`: what Cargo's line about a lock means, and who is in the way now.

mod view;

use std::io::{self, IsTerminal as _, Read as _};
use std::path::Path;

use self::view::View;
use super::exit::Code;
use super::output::{self, Output};
use super::{Error, status};
use crate::explain::files::Folders;
use crate::explain::message::{self, MARK};
use crate::explain::{Explanation, symptom};
use crate::places::CargoHomes;
use crate::project::Project;
use crate::text;

const EXAMPLES: &str = "\
It knows every wording that Cargo has had since 1.9, and which file it is in the version of the cargo of this folder. A pasted \
log may have colours, several lines and line ends of Windows. Without a message, and nothing on standard input, it tells in \
prose what the locks show at this moment.

Examples:
  lockwatch explain                                  what is going on now, and what it can be
  lockwatch explain \"Blocking waiting for file lock on build directory\"
  lockwatch explain package cache                    the words alone will do
  cargo build 2>&1 | tee log; lockwatch explain <log
  pbpaste | lockwatch explain                        what was copied (Linux: wl-paste, xclip -o)

Exit status:
  0   explained
  2   the text has no line about a lock that is known
  69  the locks cannot be seen";

/// Explain Cargo's "Blocking waiting for file lock on …", and who is in the way now
///
/// Says what the lock protects, which file it is here, who holds it and whether that one still works, and what not to do.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The message, or a text with it; without it, or as `-`, it is read from standard input where that is no terminal
    message: Vec<String>,
}

/// Why a text is not explained.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotExplained {
    #[error(
        "there is no line about a lock in the text; give Cargo's line \"Blocking {MARK}…\" or its words: {}",
        examples()
    )]
    NoMessage,
    #[error(
        "no Cargo that is known here says {MARK}`{words}`: it is another program's lock, or a newer Cargo's; what can be explained is {}",
        examples()
    )]
    Unknown { words: String },
    #[error("cannot read the text: {0}; give the message as an argument")]
    Unreadable(#[source] io::Error),
}

/// The words that most people meet, for a message.
fn examples() -> String {
    [
        "package cache",
        "build directory",
        "artifact directory",
        "the registry index",
        "crate metadata",
    ]
    .map(|words| format!("`{words}`"))
    .join(", ")
        + " and all others that Cargo has"
}

/// So much of a text is read: more than a log that anybody pastes.
const READ: u64 = 32 * 1024 * 1024;

pub(super) fn run(args: &Args, out: &mut Output) -> Result<Code, Error> {
    let given = given(args)?;
    let home = std::env::home_dir().map(|home| text::escape_path(&home));
    let homes = CargoHomes::from_env();
    let here = std::env::current_dir().unwrap_or_default();
    let messages = given.as_deref().map(message::find).unwrap_or_default();
    let project = if messages.is_empty() {
        Project::default()
    } else {
        Project::of(&here)
    };
    let is_home = |folder: &Path| homes.contains(folder);
    let mut explained = Vec::new();
    let mut unknown = Vec::new();
    for message in &messages {
        match Explanation::of(&message.words, project.version, &is_home) {
            Some(explanation) => explained.push((explanation, message.times)),
            None => unknown.push(text::escape(message.words.as_ref())),
        }
    }
    let symptom = given.as_deref().filter(|_| messages.is_empty()).map(symptom::of_text);
    if explained.is_empty() {
        if let Some(words) = unknown.into_iter().next() {
            return Err(NotExplained::Unknown { words }.into());
        }
        if matches!(symptom, Some(None)) {
            return Err(NotExplained::NoMessage.into());
        }
    } else {
        for words in unknown {
            output::complain(&NotExplained::Unknown { words }.to_string());
        }
    }
    let state = status::state()?;
    let view = View {
        home: home.as_deref(),
        width: output::width(),
        version: project.version,
        folders: Folders {
            cargo_home: homes.folders().first().cloned(),
            workspace: project.workspace,
        }
        .real(),
        is_home: &is_home,
    };
    let text = match symptom.flatten() {
        Some(symptom) => view.symptom(symptom, &state),
        None if explained.is_empty() => view.picture(&state),
        None => view.explanations(&explained, &state),
    };
    out.write(&text)?;
    Ok(Code::Done)
}

/// The text to explain; none where there is nothing but the question.
fn given(args: &Args) -> Result<Option<String>, NotExplained> {
    let words = args.message.join(" ");
    if !words.is_empty() && words != "-" {
        return Ok(Some(words));
    }
    let stdin = io::stdin();
    if stdin.is_terminal() && words.is_empty() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    stdin
        .lock()
        .take(READ)
        .read_to_end(&mut bytes)
        .map_err(NotExplained::Unreadable)?;
    if bytes.len() as u64 == READ {
        output::note("only the first 32 MB of the text are read");
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // Nothing was pasted: a script without a terminal asks for the picture.
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}
