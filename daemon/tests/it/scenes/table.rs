//! The scenes, each with what is to be seen. `daemon/tests/scenes.md` says why, and a test holds it to this.

use super::expect::{Step, goes, goes_after, keeps};
use super::scale::{NO_PROGRESS, NO_PROGRESS_WITH_CHILD, ORPHANED, PROMPT, Span};
use super::{Scene, builds, downloads, locks, starters, stopped};

/// A scene with the daemon that the others have too.
const fn scene(
    name: &'static str,
    set_up: fn(&super::stage::Stage) -> super::cast::Cast,
    steps: &'static [Step],
) -> Scene {
    Scene {
        name,
        own_daemon: false,
        takes: None,
        set_up,
        steps,
    }
}

impl Scene {
    /// The same, on a machine with this program.
    const fn taking(mut self, program: &'static str) -> Self {
        self.takes = Some(program);
        self
    }
}

pub(super) static SCENES: &[Scene] = &[
    scene(
        "compile",
        builds::compile,
        &[
            goes(&["working"], "working/compiling"),
            keeps(&["working/compiling"], Span::Seconds(30)),
        ],
    ),
    scene(
        "link",
        builds::link,
        &[
            goes(&["working"], "working/linking"),
            keeps(&["working/linking"], Span::Seconds(30)),
        ],
    ),
    scene(
        "build_script_sleeps",
        builds::build_script_sleeps,
        &[
            goes(&["working"], "quiet/no-progress"),
            goes_after(NO_PROGRESS_WITH_CHILD, &["quiet/no-progress"], "stuck/no-progress"),
        ],
    ),
    scene(
        "compiled_elsewhere",
        builds::compiled_elsewhere,
        &[
            goes(&["working"], "quiet/remote"),
            keeps(&["quiet/remote"], NO_PROGRESS_WITH_CHILD),
            Step::Acts("output appears"),
            goes(&["quiet/remote"], "working"),
            keeps(&["working"], Span::Seconds(30)),
            Step::Acts("no more of it"),
            goes(&["working"], "quiet/remote"),
        ],
    ),
    scene(
        "slow_registry",
        downloads::slow_registry,
        &[
            goes(&["working"], "working/downloading"),
            keeps(&["working/downloading"], NO_PROGRESS),
        ],
    ),
    scene(
        "silent_registry",
        downloads::silent_registry,
        &[
            goes(&["working"], "quiet/downloading"),
            goes_after(NO_PROGRESS, &["quiet/downloading"], "stuck/no-progress"),
        ],
    ),
    scene(
        "ssh_asks_for_a_passphrase",
        downloads::ssh_asks,
        &[goes_after(PROMPT, &["working", "quiet"], "stuck/prompt")],
    )
    .taking("git"),
    scene(
        "credential_helper_asks",
        downloads::credential_helper_asks,
        &[goes_after(PROMPT, &["working", "quiet"], "stuck/prompt")],
    ),
    scene(
        "ssh_server_counts_objects",
        downloads::ssh_counts,
        &[
            goes(&["working"], "quiet/remote"),
            keeps(&["quiet/remote"], Span::Seconds(40)),
        ],
    )
    .taking("git"),
    scene(
        "ctrl_z",
        stopped::ctrl_z,
        &[
            goes(&["working"], "quiet/no-progress"),
            Step::Acts("Ctrl-Z"),
            Step::GoesAtOnce {
                to: "stuck/suspended",
                within: Span::Seconds(1),
            },
            Step::Acts("fg"),
            goes(&["stuck/suspended", "working"], "quiet/no-progress"),
        ],
    )
    .taking("bash"),
    scene(
        "stopped_child",
        stopped::stopped_child,
        &[
            goes(&["working"], "working/compiling"),
            keeps(&["working/compiling"], Span::Seconds(30)),
            Step::Acts("the compiler sleeps"),
            goes(&["working/compiling"], "stuck/suspended"),
        ],
    ),
    scene(
        "traced",
        stopped::traced,
        &[
            goes(&["working", "quiet"], "quiet/traced"),
            keeps(&["quiet/traced"], NO_PROGRESS),
        ],
    )
    .taking("gdb"),
    Scene {
        name: "machine_pauses",
        own_daemon: true,
        takes: None,
        set_up: stopped::machine_pauses,
        steps: &[
            goes(&["working"], "quiet/no-progress"),
            Step::Acts("a minute's pause"),
            goes(&["quiet/no-progress"], "unknown/not-observed"),
            goes(&[], "quiet/no-progress"),
            goes_after(NO_PROGRESS, &["quiet/no-progress"], "stuck/no-progress"),
        ],
    },
    scene(
        "orphan_of_rust_analyzer",
        starters::orphan_seen_before,
        &[
            goes(&["working"], "quiet/downloading"),
            Step::Acts("rust-analyzer ends"),
            goes(&["quiet/downloading"], "stuck/orphaned"),
        ],
    ),
    scene(
        "orphan_with_marks",
        starters::orphan_with_marks,
        &[goes_after(
            ORPHANED,
            &["working", "quiet/downloading"],
            "stuck/orphaned",
        )],
    ),
    scene(
        "under_nohup",
        starters::under_nohup,
        &[
            goes(&["working"], "quiet/no-progress"),
            keeps(&["quiet/no-progress"], NO_PROGRESS),
        ],
    ),
    scene(
        "under_a_service_manager",
        starters::under_a_service_manager,
        &[
            goes(&["working"], "quiet/no-progress"),
            keeps(&["quiet/no-progress"], NO_PROGRESS),
        ],
    ),
    scene(
        "cargo_inside_a_build_script",
        locks::cargo_inside_a_build_script,
        &[
            goes(&["working", "quiet"], "stuck/deadlock"),
            keeps(&["stuck/deadlock"], Span::Seconds(30)),
        ],
    ),
    scene(
        "descendant_waits_briefly",
        locks::descendant_waits_briefly,
        &[goes(&[], "working"), keeps(&["working"], Span::Seconds(100))],
    ),
    scene(
        "chain_of_three",
        locks::chain_of_three,
        &[
            goes(&[], "waiting/behind-lock"),
            Step::Names,
            keeps(&["waiting/behind-lock"], NO_PROGRESS),
        ],
    ),
];
