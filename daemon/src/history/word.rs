//! The words of the file's columns: the same as in the published documents.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The word for a value of one of the small enumerations.
pub(super) fn of<T: Serialize>(value: &T) -> Option<String> {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => Some(word),
        _ => None,
    }
}

/// The value of a word; none for one that this version does not know.
pub(super) fn read<T: DeserializeOwned>(word: String) -> Option<T> {
    serde_json::from_value(Value::String(word)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::origin::OriginKind;
    use crate::os::Mode;
    use crate::tracker::{HoldEnd, WaitEnd};

    #[test]
    fn words_are_those_of_the_documents() {
        assert_eq!(of(&Mode::Exclusive).as_deref(), Some("exclusive"));
        assert_eq!(of(&OriginKind::Editor).as_deref(), Some("editor"));
        assert_eq!(of(&WaitEnd::Acquired).as_deref(), Some("acquired"));
        for how in [
            HoldEnd::Released,
            HoldEnd::Exited,
            HoldEnd::Stopped,
            HoldEnd::Forced,
            HoldEnd::Unseen,
        ] {
            assert_eq!(read(of(&how).expect("is a word")), Some(how));
        }
        assert_eq!(read::<Mode>("sideways".to_owned()), None);
        assert_eq!(read::<HoldEnd>("of a later version".to_owned()), Some(HoldEnd::Unseen));
    }
}
