//! Words that may be tokens: a token has one spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockwatch::token::Token;

fuzz_target!(|word: &str| {
    let as_json = serde_json::from_value::<Token>(word.into()).ok();
    match word.parse::<Token>() {
        Ok(token) => {
            assert_eq!(token.to_string(), word);
            assert_eq!(as_json, Some(token));
        }
        Err(error) => {
            assert_eq!(as_json, None);
            assert!(!error.to_string().chars().any(char::is_control), "{error}");
        }
    }
});
