//! The agents inside of the app. macOS 13 and newer find them there by name (`SMAppService.agent(plistName:)`), and show them
//! under the app's name and icon.

use plist::Value;

use super::{PROGRAMS, info};
use crate::Error;
use crate::tree::{Item, Tree};

/// The agents that `lockwatch service install` writes for a user; a bundle has the same but for the place of the program.
const AGENTS: [(&str, &str); 2] = [
    (
        "com.example.lockwatch.plist",
        include_str!("../../../com.example.lockwatch.plist"),
    ),
    (
        "com.example.lockwatch.tray.plist",
        include_str!("../../com.example.lockwatch.tray.plist"),
    ),
];

pub(super) fn property_lists() -> Result<Tree, Error> {
    let agent = |(name, text): (&'static str, &str)| {
        let value = Value::from_reader_xml(text.as_bytes()).map_err(|source| Error::PropertyList { name, source })?;
        let bytes = info::written(&inside_of_an_app(value), name)?;
        Ok((name.into(), Item::File(bytes)))
    };
    AGENTS.into_iter().map(agent).collect()
}

/// Names the program by its place inside of the app (`BundleProgram`, launchd.plist(5)), so that the app can be moved.
fn inside_of_an_app(mut agent: Value) -> Value {
    let Some(keys) = agent.as_dictionary_mut() else {
        return agent;
    };
    let arguments = keys.get_mut("ProgramArguments").and_then(Value::as_array_mut);
    let Some(program) = arguments.and_then(|arguments| arguments.first_mut()) else {
        return agent;
    };
    let name = program.as_string().and_then(|path| path.rsplit('/').next());
    let inside = format!("{PROGRAMS}/{}", name.unwrap_or_default());
    *program = Value::from(inside.as_str());
    keys.insert("BundleProgram".to_owned(), Value::from(inside));
    agent
}
