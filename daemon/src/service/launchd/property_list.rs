//! The `LaunchAgents`: as they are in the repository, with the paths of this user filled in. Pure.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use plist::{Dictionary, Value};

use crate::service::file::{Comment, sealed};
use crate::service::{Agent, ServiceError};

const DAEMON: &[u8] = include_bytes!("../../../../com.example.lockwatch.plist");
const TRAY: &[u8] = include_bytes!("../../../../packaging/com.example.lockwatch.tray.plist");

/// After the XML declaration and the document type.
const COMMENT: Comment = Comment {
    open: "<!-- ",
    close: " -->",
    after: 2,
};

fn as_shipped(agent: Agent) -> &'static [u8] {
    match agent {
        Agent::Daemon => DAEMON,
        Agent::Tray => TRAY,
    }
}

/// The file for launchd.
pub(super) fn filled_in(
    agent: Agent,
    program: &Path,
    home: &Path,
    printed: &Path,
    carried: &[(&'static str, String)],
) -> Result<String, ServiceError> {
    let wrong = |why: String| ServiceError::File {
        what: "fill in",
        path: "the LaunchAgent that is built in".into(),
        source: std::io::Error::other(why),
    };
    let mut list = Value::from_reader_xml(as_shipped(agent)).map_err(|error| wrong(error.to_string()))?;
    let keys = list
        .as_dictionary_mut()
        .ok_or_else(|| wrong("no dictionary".to_owned()))?;
    let words = keys.get_mut("ProgramArguments").and_then(Value::as_array_mut);
    let first = words.and_then(|words| words.first_mut());
    *first.ok_or_else(|| wrong("no arguments".to_owned()))? = path(program)?;
    for key in ["StandardOutPath", "StandardErrorPath"] {
        keys.insert(key.to_owned(), path(printed)?);
    }
    let mut environment = Dictionary::new();
    environment.insert("HOME".to_owned(), path(home)?);
    for (name, value) in carried {
        environment.insert((*name).to_owned(), Value::String(value.clone()));
    }
    keys.insert("EnvironmentVariables".to_owned(), Value::Dictionary(environment));
    let mut text = Vec::new();
    list.to_writer_xml(&mut text)
        .map_err(|error| wrong(error.to_string()))?;
    text.push(b'\n');
    let text = String::from_utf8(text).map_err(|error| wrong(error.to_string()))?;
    Ok(sealed(&text, COMMENT))
}

fn path(path: &Path) -> Result<Value, ServiceError> {
    // XML has no control characters, so nor has a property list.
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control));
    let text = text.ok_or_else(|| ServiceError::NotText(path.to_owned()))?;
    Ok(Value::String(text.to_owned()))
}

/// The program that a `LaunchAgent` starts, in whichever of the forms it is.
pub(super) fn program(list: &[u8]) -> Option<PathBuf> {
    let list = Value::from_reader(Cursor::new(list)).ok()?;
    let keys = list.as_dictionary()?;
    let first = || keys.get("ProgramArguments")?.as_array()?.first()?.as_string();
    let program = keys.get("Program").and_then(Value::as_string).or_else(first)?;
    Some(program.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::file::is_sealed;

    fn filled(agent: Agent) -> String {
        let home = Path::new("/Users/me & you");
        filled_in(
            agent,
            &home.join(".cargo/bin").join(agent.program_name()),
            home,
            &home.join("Library/Logs/lockwatch/printed.log"),
            &[("CARGO_HOME", "/Volumes/<x>/cargo".to_owned())],
        )
        .expect("can")
    }

    #[test]
    fn the_daemon() {
        insta::assert_snapshot!(filled(Agent::Daemon));
    }

    #[test]
    fn the_tray() {
        insta::assert_snapshot!(filled(Agent::Tray));
    }

    #[test]
    fn it_is_known_again_and_read_in_every_form() {
        for agent in Agent::ALL {
            let text = filled(agent);
            assert!(is_sealed(&text), "{text}");
            let expected = Path::new("/Users/me & you/.cargo/bin").join(agent.program_name());
            assert_eq!(program(text.as_bytes()), Some(expected.clone()));
            let list = Value::from_reader_xml(text.as_bytes()).expect("is one");
            let mut binary = Vec::new();
            list.to_writer_binary(&mut binary).expect("can");
            assert_eq!(program(&binary), Some(expected));
        }
        for bytes in [&b""[..], b"bplist00", b"<plist><array/></plist>", b"\xff"] {
            assert_eq!(program(bytes), None);
        }
    }

    /// launchd.plist(5): what the type of each key is. plutil accepts any list; launchd does not.
    #[test]
    fn as_shipped_it_is_what_launchd_reads() {
        type Check = fn(&Value) -> bool;
        let text: Check = |value| value.as_string().is_some();
        let keys: [(&str, Check); 11] = [
            ("Label", text),
            ("ProgramArguments", |value| {
                let words = value.as_array().expect("a list");
                let first = words[0].as_string().expect("text");
                first.starts_with('/') && words.iter().all(|word| word.as_string().is_some())
            }),
            ("RunAtLoad", |value| value.as_boolean() == Some(true)),
            ("KeepAlive", |value| {
                let keys = value.as_dictionary().expect("keys");
                keys.len() == 1 && keys["SuccessfulExit"].as_boolean() == Some(false)
            }),
            ("ThrottleInterval", |value| value.as_unsigned_integer() == Some(10)),
            ("ExitTimeOut", |value| value.as_unsigned_integer() == Some(10)),
            ("ProcessType", |value| {
                ["Standard", "Interactive"].contains(&value.as_string().expect("text"))
            }),
            ("LimitLoadToSessionType", |value| {
                value.as_string() == Some("Aqua") || value.as_array().is_some()
            }),
            ("AssociatedBundleIdentifiers", |value| value.as_array().is_some()),
            ("StandardOutPath", text),
            ("StandardErrorPath", text),
        ];
        for agent in Agent::ALL {
            let list = Value::from_reader_xml(as_shipped(agent)).expect("is one");
            let found = list.as_dictionary().expect("keys");
            assert_eq!(found.len(), keys.len());
            for (key, is_right) in keys {
                assert!(is_right(&found[key]), "{agent:?}: {key}");
            }
        }
        let words = |agent| {
            Value::from_reader_xml(as_shipped(agent))
                .expect("is one")
                .as_dictionary()
                .expect("keys")["ProgramArguments"]
                .clone()
        };
        let daemon = words(Agent::Daemon);
        let daemon: Vec<_> = daemon
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_string)
            .collect();
        assert_eq!(daemon[1..], ["daemon", "--wait"]);
        assert_eq!(words(Agent::Tray).as_array().expect("a list").len(), 1);
    }

    /// XML 1.0, 2.5: the reader used here is more lenient about comments than Apple's is.
    #[test]
    fn the_comments_are_those_of_xml() {
        for agent in Agent::ALL {
            let shipped = str::from_utf8(as_shipped(agent)).expect("is text");
            for text in [shipped, &filled(agent)] {
                let comments: Vec<&str> = text.split("<!--").skip(1).collect();
                assert!(!comments.is_empty());
                for comment in comments {
                    let (comment, _) = comment.split_once("-->").expect("ends");
                    assert!(!comment.contains("--") && !comment.ends_with('-'), "{comment}");
                }
            }
        }
    }

    #[test]
    fn a_path_that_is_no_text_is_refused() {
        use std::os::unix::ffi::OsStrExt as _;
        for bytes in [&b"/x\xff/lockwatch"[..], b"/x\n/lockwatch"] {
            let program = Path::new(std::ffi::OsStr::from_bytes(bytes));
            let result = filled_in(Agent::Daemon, program, Path::new("/x"), Path::new("/x"), &[]);
            assert!(matches!(result, Err(ServiceError::NotText(_))));
        }
    }
}
