use proptest::prelude::*;

use super::*;

fn text(message: &Message) -> String {
    String::from_utf8(message.parts().concat()).expect("is text")
}

/// What a line that cannot be answered with a result is answered with.
fn refusal(line: &str) -> String {
    let call = read(line.as_bytes());
    let failure = call.request.expect_err(line);
    let id = call.id.expect("is answered");
    format!("{id} {} {}", failure.code as i16, failure.message)
}

#[test]
fn every_request_reads_as_it_is_written() {
    let history = History {
        since: Some("2026-11-22T23:10:05Z".parse().expect("a time")),
        lock: Some(LockKind::PackageCache),
        limit: Some(20),
    };
    for request in [
        Request::Hello(Hello {
            client: "test 1".to_owned(),
            protocol: 1,
        }),
        Request::State,
        Request::Subscribe,
        Request::History(History::default()),
        Request::History(history),
        Request::Shutdown,
    ] {
        let line = request.line(7);
        assert_eq!(line.find('\n'), Some(line.len() - 1), "{line}");
        let call = read(line.as_bytes());
        assert_eq!((call.id, call.request), (Some(Id(7.into())), Ok(request)));
    }
}

#[test]
fn ids() {
    for (id, shown) in [
        ("1", "1"),
        ("-1.5", "-1.5"),
        ("\"a\\\"b\"", "\"a\\\"b\""),
        ("null", "null"),
    ] {
        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"state\"}}");
        assert_eq!(read(line.as_bytes()).id.expect("has one").to_string(), shown);
    }
    // What is no whole number of 64 bits comes back as the number nearest to it, which is what a client reads in its own.
    for id in [
        "1222444444444444444444444444444444444444444444444444444444444444444444222",
        "18446744073709551616",
        "0.30000000000000004",
        "5e-324",
    ] {
        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"state\"}}");
        let shown = read(line.as_bytes()).id.expect("has one").to_string();
        let bits = |number: &str| number.parse::<f64>().expect("a number").to_bits();
        assert_eq!(bits(&shown), bits(id), "{id} came back as {shown}");
    }
    let notification = read(br#"{"jsonrpc":"2.0","method":"state"}"#);
    assert_eq!((notification.id, notification.request), (None, Ok(Request::State)));
}

#[test]
fn what_a_newer_client_adds_is_passed_over() {
    let line = br#"{"jsonrpc":"2.0","id":1,"method":"state","params":{"novelty":1},"novelty":2}"#;
    assert_eq!(read(line).request, Ok(Request::State));
    assert_eq!(
        read(br#"{"jsonrpc":"2.0","id":1,"method":"state","params":null}"#).request,
        Ok(Request::State)
    );
}

#[test]
fn what_is_wrong_is_named() {
    insta::assert_snapshot!(
        [
            "",
            "{",
            "\u{fffd}",
            "7",
            "[{}]",
            "{}",
            r#"{"jsonrpc":"1.0","id":4,"method":"state"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"state"}"#,
            r#"{"jsonrpc":"2.0","id":true,"method":"state"}"#,
            r#"{"jsonrpc":"2.0","id":"x","method":7}"#,
            r#"{"jsonrpc":"2.0","id":"x","result":7}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"stop","params":{"token":"x"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"stop","params":{"pid":4711}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"stop","params":{"token":"lw1-1-2-3-4-5","force":1}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"stop","params":{"token":"lw1-1-2-3-4-5","grace_ms":3600001}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"stop","params":{"token":"lw1-1-2-3-4-5","grace_ms":-1}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"restart","params":{"token":"x"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"\u001b[2J\n"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"state","params":[]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"hello"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"hello","params":{"client":"x"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"hello","params":{"client":7,"protocol":1}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"hello","params":{"client":"x","protocol":0}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"hello","params":{"client":"x","protocol":-1}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"history","params":{"since":"yesterday"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"history","params":{"lock":"\u001b[31m"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"history","params":{"limit":1.5}}"#,
        ]
        .map(|line| format!("{line}\n    {}\n", refusal(line)))
        .concat()
    );
}

#[test]
fn messages_are_one_line_of_json_each() {
    let id = Id("a\nb".into());
    let body: Arc<str> = "{\"x\":1}".into();
    for (message, form) in [
        (
            Message::answer(&id, Arc::clone(&body)),
            r#"{"jsonrpc":"2.0","id":"a\nb","result":{"x":1}}"#,
        ),
        (
            Message::state(body).expect("is short"),
            r#"{"jsonrpc":"2.0","method":"state","params":{"x":1}}"#,
        ),
        (
            Message::failure(&Id::NONE, &Failure::new(Code::Parse, "no\n\"JSON\"")),
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no\n\"JSON\""}}"#,
        ),
    ] {
        assert_eq!(text(&message), format!("{form}\n"));
    }
}

#[test]
fn no_line_to_a_client_is_longer_than_its_bound() {
    let longest_id = Id("x".repeat(MAX_REQUEST).into());
    let most: Arc<str> = "x".repeat(MAX_ANSWER - MAX_REQUEST).into();
    let too_much: Arc<str> = "x".repeat(MAX_ANSWER - MAX_REQUEST + 1).into();
    assert!(Message::state(Arc::clone(&too_much)).is_none());
    assert!(text(&Message::answer(&Id::NONE, Arc::clone(&most))).len() <= MAX_ANSWER);
    assert!(text(&Message::answer(&longest_id, too_much)).contains("-32004"));
}

proptest! {
    #[test]
    fn any_line_is_taken(line in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&line);
    }

    #[test]
    fn any_json_is_answered_on_one_line(method in any::<String>(), id in any::<String>(), params in any::<String>()) {
        let request = serde_json::json!({"jsonrpc": "2.0", "id": id, "method": method, "params": {"client": params}});
        let call = read(request.to_string().as_bytes());
        if let Err(failure) = call.request {
            let line = text(&Message::failure(&call.id.expect("is answered"), &failure));
            prop_assert_eq!(line.find('\n'), Some(line.len() - 1));
            let answer: Value = serde_json::from_str(&line).expect("is JSON");
            prop_assert_eq!(&answer["id"], &Value::String(id));
        }
    }
}
