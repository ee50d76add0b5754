//! One line from a client: whatever it is, what goes back is one line of JSON with the client's own `id`.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use lockwatch::protocol::{self, Call, Code, Id, MAX_ANSWER, Message};
use serde_json::Value;

fuzz_target!(|line: &[u8]| {
    let Call { id, request } = protocol::read(line);
    let sent = serde_json::from_slice::<Value>(line);
    if let Err(failure) = &request {
        assert_eq!(failure.code == Code::Parse, sent.is_err());
        let shown = failure.message.chars().filter(|c| c.is_control()).count();
        assert_eq!(shown, 0, "an error is safe to show: {failure:?}");
        assert!(!failure.message.is_empty() && failure.message.len() < 4096);
    }
    if let Some(id) = &id {
        let (message, field) = match &request {
            Ok(_) => (Message::answer(id, Arc::from("{}")), "result"),
            Err(failure) => (Message::failure(id, failure), "error"),
        };
        let answer = answer(&message);
        assert!(answer.get(field).is_some());
        if *id != Id::NONE {
            assert_eq!(Some(&answer["id"]), sent.as_ref().ok().and_then(|sent| sent.get("id")));
        }
    }
    if let Ok(request) = request {
        let again = protocol::read(request.line(7).trim_end().as_bytes());
        assert_eq!(again.id.map(|id| id.to_string()).as_deref(), Some("7"));
        assert_eq!(again.request, Ok(request));
    }
});

fn answer(message: &Message) -> Value {
    let bytes = message.parts().concat();
    assert!(bytes.len() <= MAX_ANSWER + 1);
    assert_eq!(bytes.iter().position(|byte| *byte == b'\n'), Some(bytes.len() - 1));
    serde_json::from_slice(&bytes).expect("an answer is JSON")
}
