//! What the exit codes of launchctl mean: errno up to 106, and from 107 on launchd's own (`launchctl error N` tells each).

/// Whether a verb that failed is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// It is not.
    No,
    /// A few times: it may be that the job before is on its way out, and it may be something else.
    Briefly,
    /// The job before is on its way out.
    Long,
}

struct Meaning {
    code: i32,
    again: Again,
    words: &'static str,
}

#[rustfmt::skip]
const MEANINGS: &[Meaning] = &[
    Meaning { code: 1, again: Again::No, words: "launchd does not permit it; run this as the user of the service, without sudo" },
    Meaning { code: 3, again: Again::No, words: "launchd does not have it any more; try again" },
    Meaning { code: 5, again: Again::Briefly, words: "launchd does not say more; see whether the service is turned off in System Settings, General, Login Items & Extensions, and what `log show --last 5m --predicate 'process == \"launchd\"'` says" },
    Meaning { code: 17, again: Again::Briefly, words: "launchd has it already; use `lockwatch service restart`" },
    Meaning { code: 36, again: Again::Long, words: "the one before has not ended yet; try again" },
    Meaning { code: 37, again: Again::Long, words: "the one before has not ended yet; try again" },
    Meaning { code: 112, again: Again::No, words: "this user has no session here; log in at the screen or by ssh" },
    Meaning { code: 113, again: Again::No, words: "launchd does not have it any more; try again" },
    Meaning { code: 119, again: Again::No, words: "it is turned off; turn it on in System Settings, General, Login Items & Extensions, or use `lockwatch service start --enable`" },
    Meaning { code: 122, again: Again::No, words: "its file may be written to by others, or is another user's; use `lockwatch service install`, which writes it anew, after `chmod go-w ~/Library/LaunchAgents`" },
    Meaning { code: 125, again: Again::No, words: "this session has no such services; log in at the screen or by ssh" },
    Meaning { code: 134, again: Again::No, words: "it does not belong into this session; log in at the screen" },
    Meaning { code: 150, again: Again::No, words: "System Integrity Protection forbids it" },
];

/// What an exit code means, in words.
pub(super) fn of(code: Option<i32>) -> (Again, &'static str) {
    let known = MEANINGS.iter().find(|meaning| Some(meaning.code) == code);
    known.map_or(
        (
            Again::No,
            "that is not known here; `launchctl error` with this number may tell more",
        ),
        |meaning| (meaning.again, meaning.words),
    )
}
