//! What is said on the socket: JSON-RPC 2.0, one message a line. Pure. `daemon/protocol.md` describes it for others.

pub mod line;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::cargo::lock_kind::LockKind;
use crate::stop::Step;
use crate::text;
use crate::token::Token;

/// The newest protocol that this version speaks.
pub const PROTOCOL: u32 = 1;

/// The longest line from a client, in bytes without its end.
pub const MAX_REQUEST: usize = 64 * 1024;

/// The longest line to a client, in bytes.
pub const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Who the daemon is.
    Hello(Hello),
    /// The state, by a look made now.
    State,
    /// The state, and again at each change.
    Subscribe,
    /// Past holds and waits.
    History(History),
    /// That a holder is stopped.
    Stop(Stop),
    /// That the daemon ends.
    Shutdown,
}

/// A client introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hello {
    /// Its name and version, for the log.
    pub client: String,
    /// The newest protocol that it speaks, from 1 on.
    pub protocol: u32,
}

/// The daemon introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version of lockwatch that runs.
    pub version: String,
    /// The newest protocol that it speaks. Both sides use the lower one of the two.
    pub protocol: u32,
    /// The daemon's process.
    pub pid: u32,
}

/// Which past holds and waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct History {
    /// Those that ended at this time or later, or have not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Those of this kind of lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockKind>,
    /// The newest so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Which holder is to be stopped, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// The process, and the lock that it must still hold.
    pub token: Token,
    /// Whether `SIGKILL` follows where `SIGTERM` was not enough.
    pub force: bool,
    /// Whether to say only what would be done.
    pub dry_run: bool,
    /// How many milliseconds the processes are given to end after `SIGTERM`; without it as the daemon is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_ms: Option<u64>,
}

/// The longest time that a client may give to a process to end: an hour, in milliseconds.
pub const MAX_GRACE_MS: u64 = 3_600_000;

/// What a stop that is under way is about to do: a notification to the client that asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Which stop.
    pub token: Token,
    /// What.
    pub step: Step,
}

/// What an answer belongs to: the word or number that came with the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id(Value);

impl Id {
    /// Where the request could not be read.
    pub const NONE: Self = Self(Value::Null);

    /// A string, a number or null; nothing else can be one.
    fn of(value: Value) -> Option<Self> {
        matches!(value, Value::String(_) | Value::Number(_) | Value::Null).then_some(Self(value))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The error codes. Those of JSON-RPC keep its numbers; from -32000 downwards they are lockwatch's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub enum Code {
    /// The line is not JSON.
    Parse = -32700,
    /// It is JSON, but no request.
    InvalidRequest = -32600,
    /// There is no such method.
    UnknownMethod = -32601,
    /// The method is given something wrong.
    InvalidParams = -32602,
    /// The daemon failed.
    Internal = -32603,
    /// There are too many clients; the connection is closed.
    TooManyClients = -32000,
    /// The line is longer than [`MAX_REQUEST`]; it is passed over.
    LineTooLong = -32001,
    /// A request did not come whole in time; the connection is closed.
    TooSlow = -32002,
    /// The client is another user's; the connection is closed.
    OtherUser = -32003,
    /// The answer would be longer than [`MAX_ANSWER`].
    AnswerTooLong = -32004,
}

/// Why a request is not answered with a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The kind of failure.
    pub code: Code,
    /// One sentence for people.
    pub message: String,
}

impl Failure {
    /// One with a sentence, no full stop at its end.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// A line from a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What to answer to; none for a notification, which gets no answer.
    pub id: Option<Id>,
    /// What is asked for.
    pub request: Result<Request, Failure>,
}

/// How much of a client's own words an error repeats, in characters.
const QUOTED: usize = 300;

fn quoted(words: &str) -> String {
    text::shorten(&text::escape(words.as_ref()), QUOTED)
}

/// Reads a line from a client.
pub fn read(line: &[u8]) -> Call {
    let refused = |id, code, message: String| Call {
        id: Some(id),
        request: Err(Failure::new(code, message)),
    };
    let invalid = |id, message: &str| refused(id, Code::InvalidRequest, message.to_owned());
    let message = match serde_json::from_slice(line) {
        Ok(message) => message,
        Err(error) => return refused(Id::NONE, Code::Parse, format!("the line is not JSON: {error}")),
    };
    let mut message: Map<String, Value> = match message {
        Value::Object(message) => message,
        Value::Array(_) => return invalid(Id::NONE, "batches are not taken; send one request a line"),
        _ => return invalid(Id::NONE, "a request is a JSON object"),
    };
    let id = match message.remove("id").map(Id::of) {
        Some(None) => return invalid(Id::NONE, "`id` must be a string, a number or null"),
        Some(id) => id,
        None => None,
    };
    let or_none = |id: Option<Id>| id.unwrap_or(Id::NONE);
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return invalid(or_none(id), "`jsonrpc` must be \"2.0\"");
    }
    let Some(Value::String(method)) = message.remove("method") else {
        return invalid(or_none(id), "`method` must be a string");
    };
    Call {
        id,
        request: request(&method, message.remove("params")),
    }
}

/// How a method's parameters are read.
type Reader = fn(&mut Fields) -> Result<Request, Failure>;

/// The methods.
const METHODS: &[(&str, Reader)] = &[
    ("hello", |fields| {
        Ok(Request::Hello(Hello {
            client: fields.needed("client")?,
            protocol: fields.needed::<std::num::NonZeroU32>("protocol")?.get(),
        }))
    }),
    ("state", |_| Ok(Request::State)),
    ("subscribe", |_| Ok(Request::Subscribe)),
    ("history", |fields| {
        Ok(Request::History(History {
            since: fields.optional("since")?,
            lock: fields.optional("lock")?,
            limit: fields.optional("limit")?,
        }))
    }),
    ("stop", |fields| {
        let grace_ms: Option<u64> = fields.optional("grace_ms")?;
        if grace_ms.is_some_and(|grace| grace > MAX_GRACE_MS) {
            let message = format!("the field `grace_ms` of `stop` is wrong: allowed are 0 to {MAX_GRACE_MS}");
            return Err(Failure::new(Code::InvalidParams, message));
        }
        Ok(Request::Stop(Stop {
            token: fields.needed("token")?,
            force: fields.optional("force")?.unwrap_or_default(),
            dry_run: fields.optional("dry_run")?.unwrap_or_default(),
            grace_ms,
        }))
    }),
    ("shutdown", |_| Ok(Request::Shutdown)),
];

fn request(method: &str, params: Option<Value>) -> Result<Request, Failure> {
    let Some((method, read)) = METHODS.iter().find(|(name, _)| *name == method) else {
        let known: Vec<String> = METHODS.iter().map(|(name, _)| format!("`{name}`")).collect();
        return Err(Failure::new(
            Code::UnknownMethod,
            format!(
                "there is no method `{}`; there are {}",
                quoted(method),
                known.join(", ")
            ),
        ));
    };
    let values = match params {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(values)) => values,
        Some(_) => {
            return Err(Failure::new(
                Code::InvalidParams,
                format!("`params` of `{method}` must be an object with named fields"),
            ));
        }
    };
    read(&mut Fields { method, values })
}

/// The parameters of a request. What is not asked for is passed over: a newer client may send more.
struct Fields {
    method: &'static str,
    values: Map<String, Value>,
}

impl Fields {
    fn optional<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Failure> {
        let value = self.values.remove(name).unwrap_or(Value::Null);
        serde_json::from_value(value).map_err(|error| {
            let (method, error) = (self.method, quoted(&error.to_string()));
            Failure::new(
                Code::InvalidParams,
                format!("the field `{name}` of `{method}` is wrong: {error}"),
            )
        })
    }

    fn needed<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, Failure> {
        self.optional(name)?.ok_or_else(|| {
            let method = self.method;
            Failure::new(Code::InvalidParams, format!("`{method}` needs the field `{name}`"))
        })
    }
}

impl Request {
    /// The line that asks for it, with its end.
    pub fn line(&self, id: u64) -> String {
        let (method, params) = match self {
            Self::Hello(hello) => ("hello", serde_json::json!(hello)),
            Self::State => ("state", Value::Null),
            Self::Subscribe => ("subscribe", Value::Null),
            Self::History(history) => ("history", serde_json::json!(history)),
            Self::Stop(stop) => ("stop", serde_json::json!(stop)),
            Self::Shutdown => ("shutdown", Value::Null),
        };
        let params = if params.is_null() {
            String::new()
        } else {
            format!(",\"params\":{params}")
        };
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\"{params}}}\n")
    }
}

/// A line to a client. What is sent to many is written out once, and shared.
#[derive(Clone, Debug)]
pub struct Message {
    head: String,
    body: Arc<str>,
}

/// What every line ends with.
const TAIL: &str = "}\n";

impl Message {
    /// The answer to a request: a result, written out on one line. A result that is too long becomes a failure.
    pub fn answer(id: &Id, result: Arc<str>) -> Self {
        if result.len() > MAX_ANSWER - MAX_REQUEST {
            let message = format!(
                "the answer has {} bytes, and {MAX_ANSWER} are allowed; ask for less",
                result.len()
            );
            return Self::failure(id, &Failure::new(Code::AnswerTooLong, message));
        }
        Self {
            head: format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":"),
            body: result,
        }
    }

    /// The answer to a request that failed.
    pub fn failure(id: &Id, failure: &Failure) -> Self {
        let body = serde_json::json!({"code": failure.code as i16, "message": failure.message});
        Self {
            head: format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":"),
            body: body.to_string().into(),
        }
    }

    /// A state that nobody asked for at this moment; none where it is too long for a line.
    pub fn state(state: Arc<str>) -> Option<Self> {
        (state.len() <= MAX_ANSWER - MAX_REQUEST).then(|| Self {
            head: "{\"jsonrpc\":\"2.0\",\"method\":\"state\",\"params\":".to_owned(),
            body: state,
        })
    }

    /// What a stop is about to do.
    pub fn progress(progress: Progress) -> Self {
        Self {
            head: "{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":".to_owned(),
            body: serde_json::json!(progress).to_string().into(),
        }
    }

    /// The line's bytes with its end, in the order in which they are sent.
    pub fn parts(&self) -> [&[u8]; 3] {
        [self.head.as_bytes(), self.body.as_bytes(), TAIL.as_bytes()]
    }
}

#[cfg(test)]
mod tests;
