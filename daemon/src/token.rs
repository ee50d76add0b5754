//! A token names one process and one lock for good, in a word that programs pass around without looking into it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::os::FileId;
use crate::process::ProcessId;

/// One process and one lock, with all that is needed to find and check both again: it means the same in any lockwatch
/// process on this machine until the next boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Token {
    /// The run of the machine: [`Kernel::boot_id`](crate::os::Kernel::boot_id).
    pub boot_id: u64,
    /// The process.
    pub process: ProcessId,
    /// The lock file.
    pub file: FileId,
}

/// A word that is not a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a token; take one from `lockwatch status --json`")]
pub struct NotAToken {
    /// The word.
    pub word: String,
}

/// What every token of this form begins with.
const PREFIX: &str = "lw1";

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { boot_id, process, file } = self;
        write!(
            f,
            "{PREFIX}-{boot_id:x}-{:x}-{:x}-{:x}-{:x}",
            process.pid, process.start, file.dev, file.ino
        )
    }
}

impl FromStr for Token {
    type Err = NotAToken;

    fn from_str(word: &str) -> Result<Self, NotAToken> {
        parse(word).ok_or_else(|| NotAToken {
            word: crate::text::escape(word.as_ref()),
        })
    }
}

fn parse(word: &str) -> Option<Token> {
    let mut parts = word.strip_prefix(PREFIX)?.strip_prefix('-')?.split('-');
    let mut number = || {
        let part = parts.next()?;
        // `from_str_radix` takes a sign and zeros in front, which would give one token many spellings.
        let plain = !part.is_empty()
            && (part == "0" || !part.starts_with('0'))
            && part
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        plain.then(|| u64::from_str_radix(part, 16).ok())?
    };
    let token = Token {
        boot_id: number()?,
        process: ProcessId {
            pid: number()?.try_into().ok()?,
            start: number()?,
        },
        file: FileId {
            dev: number()?,
            ino: number()?,
        },
    };
    parts.next().is_none().then_some(token)
}

impl From<Token> for String {
    fn from(token: Token) -> Self {
        token.to_string()
    }
}

impl TryFrom<String> for Token {
    type Error = NotAToken;

    fn try_from(word: String) -> Result<Self, NotAToken> {
        word.parse()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_that_are_no_token() {
        for word in [
            "",
            "lw1",
            "lw1-",
            "4711",
            "lw2-1-2-3-4-5",
            "lw1-1-2-3-4",
            "lw1-1-2-3-4-5-6",
            "lw1-1-+2-3-4-5",
            "lw1-1-g-3-4-5",
            "lw1-1-2-3-4-05",
            "lw1-00-2-3-4-5",
            "lw1-1-1ffffffff-3-4-5",
        ] {
            assert!(word.parse::<Token>().is_err(), "{word}");
        }
        let error = "a\nb".parse::<Token>().expect_err("is none");
        assert_eq!(
            error.to_string(),
            r"`a\nb` is not a token; take one from `lockwatch status --json`"
        );
    }

    proptest! {
        #[test]
        fn a_token_survives_its_word(boot_id: u64, pid: u32, start: u64, dev: u64, ino: u64) {
            let token = Token { boot_id, process: ProcessId { pid, start }, file: FileId { dev, ino } };
            prop_assert_eq!(token.to_string().parse(), Ok(token));
        }

        #[test]
        fn any_word_is_taken(word in "\\PC*") {
            let _ = word.parse::<Token>();
        }
    }
}
