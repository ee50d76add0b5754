//! The table itself.

use super::{Commands, HeldFor, LockFile, LockKind, Name, Place, Use, Versions};
use crate::os::Mode::{self, Exclusive, Shared};

/// A use that every user has.
const fn stable(versions: Versions, commands: Commands, mode: Mode, words: &'static str, held_for: HeldFor) -> Use {
    Use {
        versions,
        commands,
        mode: Some(mode),
        words,
        held_for,
        unstable: None,
    }
}

/// A use behind an unstable option.
const fn unstable(option: &'static str, usage: Use) -> Use {
    Use {
        unstable: Some(option),
        ..usage
    }
}

const FINE_GRAIN: &str = "-Zfine-grain-locking";
const MERGE_DOCS: &str = "-Zrustdoc-mergeable-info";

/// What a whole build folder's lock protects; two files have been it.
const BUILD_FOLDER: &str = "One profile's build folder: a second build in it waits until the first has compiled.";

/// Words that are the name of the file.
pub(super) const NAME_OF_FILE: &str = "<name of the file>";

/// Words that are the name of the folder which the file lies in.
pub(super) const NAME_OF_FOLDER: &str = "<name of the folder>";

/// Where crates are packed.
const PACKING: &str = "A crate that is being packed and verified.";

/// Every lock file that Cargo has had. Of two rows that fit a path, the first counts.
pub static LOCK_FILES: &[LockFile] = &[
    LockFile {
        kind: LockKind::PackageCache,
        name: Name::Is(".package-cache"),
        place: Place::Anywhere,
        lies_at: "$CARGO_HOME/.package-cache",
        protects: "The downloaded crates, registry indexes and git checkouts of one Cargo home, while one Cargo resolves or downloads.",
        uses: &[
            // PR #7029 took the last word away.
            stable(
                Versions::since(37),
                Commands::Resolving,
                Exclusive,
                "package cache",
                HeldFor::Step,
            ),
            stable(
                Versions::between(36, 36),
                Commands::Resolving,
                Exclusive,
                "package cache lock",
                HeldFor::Step,
            ),
        ],
    },
    LockFile {
        kind: LockKind::PackageCacheMutate,
        name: Name::Is(".package-cache-mutate"),
        place: Place::Anywhere,
        lies_at: "$CARGO_HOME/.package-cache-mutate",
        protects: "The downloaded crates against being cleaned away while builds read them; builds share it and never wait for each other.",
        uses: &[
            stable(
                Versions::since(75),
                Commands::Compiling,
                Shared,
                "shared package cache",
                HeldFor::Compile,
            ),
            // Automatic cleaning gives up at once where it cannot have it; only `cargo clean gc` waits.
            stable(
                Versions::since(75),
                Commands::Cleaning,
                Exclusive,
                "package cache mutation",
                HeldFor::Command,
            ),
        ],
    },
    LockFile {
        kind: LockKind::BuildDir,
        name: Name::Is(".cargo-build-lock"),
        place: Place::Anywhere,
        lies_at: "<build>/<profile>/.cargo-build-lock",
        protects: BUILD_FOLDER,
        uses: &[
            stable(
                Versions::since(96),
                Commands::Compiling,
                Exclusive,
                "build directory",
                HeldFor::Compile,
            ),
            unstable(
                FINE_GRAIN,
                stable(
                    Versions::since(96),
                    Commands::Compiling,
                    Shared,
                    "build directory",
                    HeldFor::Compile,
                ),
            ),
        ],
    },
    LockFile {
        kind: LockKind::ArtifactDir,
        name: Name::Is(".cargo-artifact-lock"),
        place: Place::Anywhere,
        lies_at: "<target>/<profile>/.cargo-artifact-lock",
        protects: "The finished programs and libraries of one profile; checking leaves none and does not take it.",
        uses: &[stable(
            Versions::since(96),
            Commands::Building,
            Exclusive,
            "artifact directory",
            HeldFor::Compile,
        )],
    },
    LockFile {
        kind: LockKind::PackageScratch,
        name: Name::Is(".cargo-lock"),
        place: Place::In(&["tmp-registry", "package"]),
        lies_at: "<build>/package/tmp-registry/.cargo-lock",
        protects: "The registry that `cargo package` makes for the crates of one workspace while it verifies them.",
        uses: &[
            // Commit a2f0a9e7d, tag 0.83.0.
            stable(
                Versions::since(82),
                Commands::Packaging,
                Exclusive,
                "temporary registry",
                HeldFor::Command,
            ),
        ],
    },
    LockFile {
        kind: LockKind::BuildDir,
        name: Name::Is(".cargo-lock"),
        place: Place::In(&["target"]),
        lies_at: "<target>/.cargo-lock",
        protects: "The documentation of one target folder, while its parts are put together.",
        uses: &[
            // `src/ops/cargo_doc.rs`: taken and dropped at once, only to wait for a build.
            unstable(
                MERGE_DOCS,
                stable(
                    Versions::since(93),
                    Commands::Documenting,
                    Exclusive,
                    "artifact directory",
                    HeldFor::Moment,
                ),
            ),
            unstable(
                MERGE_DOCS,
                stable(
                    Versions::since(93),
                    Commands::Documenting,
                    Shared,
                    "build directory",
                    HeldFor::Moment,
                ),
            ),
        ],
    },
    LockFile {
        kind: LockKind::BuildDir,
        name: Name::Is(".cargo-lock"),
        place: Place::Anywhere,
        lies_at: "<target>/<profile>/.cargo-lock",
        protects: BUILD_FOLDER,
        uses: &[
            // Shared only to keep Cargo 1.95 and older out (PR #16886).
            stable(
                Versions::since(96),
                Commands::Compiling,
                Shared,
                "artifact directory",
                HeldFor::Compile,
            ),
            stable(
                Versions::between(93, 95),
                Commands::Building,
                Exclusive,
                "artifact directory",
                HeldFor::Compile,
            ),
            stable(
                Versions::between(93, 95),
                Commands::Checking,
                Exclusive,
                "build directory",
                HeldFor::Compile,
            ),
            unstable(
                FINE_GRAIN,
                stable(
                    Versions::between(94, 95),
                    Commands::Compiling,
                    Shared,
                    "build directory",
                    HeldFor::Compile,
                ),
            ),
            stable(
                Versions::between(9, 92),
                Commands::Compiling,
                Exclusive,
                "build directory",
                HeldFor::Compile,
            ),
        ],
    },
    LockFile {
        kind: LockKind::BuildUnit,
        name: Name::Is(".lock"),
        place: Place::Unit,
        lies_at: "<build>/<profile>/build/<package>/<hash>/.lock",
        protects: "One unit of a build: one crate with one set of options.",
        uses: &[
            // `src/compiler/locking.rs`. Shared, then exclusive without any message, then shared again.
            unstable(
                FINE_GRAIN,
                Use {
                    versions: Versions::since(94),
                    commands: Commands::Compiling,
                    mode: None,
                    words: "<package> (<hash>)",
                    held_for: HeldFor::Compile,
                    unstable: None,
                },
            ),
        ],
    },
    LockFile {
        kind: LockKind::InstallMetadata,
        name: Name::Is(".crates.toml"),
        place: Place::Anywhere,
        lies_at: "$CARGO_HOME/.crates.toml",
        protects: "The list of what `cargo install` has installed; not held while it compiles.",
        uses: &[stable(
            Versions::since(9),
            Commands::Installing,
            Exclusive,
            "crate metadata",
            HeldFor::Moment,
        )],
    },
    LockFile {
        kind: LockKind::InstallMetadata,
        name: Name::Is(".crates2.json"),
        place: Place::Anywhere,
        lies_at: "$CARGO_HOME/.crates2.json",
        protects: "The list of what `cargo install` has installed, with its options; not held while it compiles.",
        uses: &[stable(
            Versions::since(36),
            Commands::Installing,
            Exclusive,
            "crate metadata",
            HeldFor::Moment,
        )],
    },
    LockFile {
        kind: LockKind::Credentials,
        name: Name::Is("credentials.toml"),
        place: Place::CargoHome,
        lies_at: "$CARGO_HOME/credentials.toml",
        protects: "The registry tokens, while one of them is written.",
        uses: &[stable(
            Versions::since(39),
            Commands::LoggingIn,
            Exclusive,
            "credentials' config file",
            HeldFor::Moment,
        )],
    },
    LockFile {
        kind: LockKind::Credentials,
        name: Name::Is("credentials"),
        place: Place::CargoHome,
        lies_at: "$CARGO_HOME/credentials",
        protects: "The registry tokens, while one of them is written.",
        uses: &[stable(
            Versions::since(20),
            Commands::LoggingIn,
            Exclusive,
            "credentials' config file",
            HeldFor::Moment,
        )],
    },
    LockFile {
        kind: LockKind::Credentials,
        name: Name::Is("config"),
        place: Place::CargoHome,
        lies_at: "$CARGO_HOME/config",
        protects: "The registry token, which stood in the configuration then, while it is written.",
        // Tags 0.10.0 to 0.20.0, `src/cargo/util/config.rs`, `set_config`.
        uses: &[stable(
            Versions::between(9, 19),
            Commands::LoggingIn,
            Exclusive,
            "the global config file",
            HeldFor::Moment,
        )],
    },
    LockFile {
        kind: LockKind::PackageScratch,
        name: Name::EndsWith(".crate"),
        place: Place::In(&["tmp-crate", "package"]),
        lies_at: "<build>/package/tmp-crate/<package>-<version>.crate",
        protects: PACKING,
        // Tag 0.94.0; before, it was the hidden file of the next rows.
        uses: &[stable(
            Versions::since(93),
            Commands::Packaging,
            Exclusive,
            "package scratch space",
            HeldFor::Command,
        )],
    },
    LockFile {
        kind: LockKind::PackageScratch,
        name: Name::Between(".", ".crate"),
        place: Place::In(&["package"]),
        lies_at: "<target>/package/.<package>-<version>.crate",
        protects: PACKING,
        uses: &[stable(
            Versions::between(9, 92),
            Commands::Packaging,
            Exclusive,
            "package scratch space",
            HeldFor::Command,
        )],
    },
    LockFile {
        kind: LockKind::PackageScratch,
        name: Name::EndsWith(".crate"),
        place: Place::In(&["package"]),
        lies_at: "<target>/package/<package>-<version>.crate",
        protects: "The packed crate, while it is put in its place.",
        uses: &[
            // Commit c8a15f324, tag 0.92.0.
            stable(
                Versions::since(91),
                Commands::Packaging,
                Exclusive,
                "uplifted package",
                HeldFor::Moment,
            ),
            stable(
                Versions::between(9, 11),
                Commands::Packaging,
                Shared,
                "packaged crate",
                HeldFor::Moment,
            ),
        ],
    },
    LockFile {
        kind: LockKind::RegistryIndex,
        name: Name::Is(".cargo-index-lock"),
        place: Place::Anywhere,
        lies_at: "$CARGO_HOME/registry/index/<registry>/.cargo-index-lock",
        protects: "One registry index and its downloads; Cargo 1.36 put the package cache in its place.",
        uses: &[
            stable(
                Versions::between(9, 35),
                Commands::Resolving,
                Exclusive,
                "the registry index",
                HeldFor::Step,
            ),
            stable(
                Versions::between(9, 35),
                Commands::Resolving,
                Shared,
                "the registry index",
                HeldFor::Moment,
            ),
        ],
    },
    LockFile {
        kind: LockKind::Other,
        name: Name::EndsWith(".crate"),
        place: Place::Within(&["cache", "registry"]),
        lies_at: "$CARGO_HOME/registry/cache/<registry>/<package>-<version>.crate",
        protects: "One downloaded crate; Cargo 1.36 put the package cache in its place.",
        uses: &[
            // Tags 0.15.0 to 0.36.0, `src/cargo/sources/registry/remote.rs`: first shared, to see whether it is there.
            stable(
                Versions::between(14, 35),
                Commands::Resolving,
                Shared,
                NAME_OF_FILE,
                HeldFor::Moment,
            ),
            // From tag 0.10.0, where it was downloaded under this lock.
            stable(
                Versions::between(9, 35),
                Commands::Resolving,
                Exclusive,
                NAME_OF_FILE,
                HeldFor::Step,
            ),
        ],
    },
    LockFile {
        kind: LockKind::Other,
        name: Name::Is(".cargo-ok"),
        place: Place::Within(&["src", "registry"]),
        lies_at: "$CARGO_HOME/registry/src/<registry>/<package>-<version>/.cargo-ok",
        protects: "One crate that is being unpacked; Cargo 1.36 put the package cache in its place.",
        // Tags 0.35.0 and 0.36.0, `src/cargo/sources/registry/mod.rs`, `unpack_package`. Others only leave the file.
        uses: &[
            stable(
                Versions::between(34, 35),
                Commands::Resolving,
                Exclusive,
                NAME_OF_FOLDER,
                HeldFor::Step,
            ),
            stable(
                Versions::between(34, 35),
                Commands::Resolving,
                Shared,
                NAME_OF_FOLDER,
                HeldFor::Moment,
            ),
        ],
    },
    LockFile {
        kind: LockKind::GitCheckouts,
        name: Name::Is(".cargo-lock-git"),
        place: Place::Anywhere,
        lies_at: "$CARGO_HOME/git/.cargo-lock-git",
        protects: "All git dependencies; Cargo 1.36 put the package cache in its place.",
        // Tags 0.13.0 to 0.36.0.
        uses: &[stable(
            Versions::between(12, 35),
            Commands::Resolving,
            Exclusive,
            "the git checkouts",
            HeldFor::Step,
        )],
    },
    LockFile {
        kind: LockKind::GitCheckouts,
        name: Name::StartsWith(".cargo-lock-"),
        place: Place::In(&["db", "git"]),
        lies_at: "$CARGO_HOME/git/db/.cargo-lock-<repository>",
        protects: "The clone of one git dependency.",
        // Tags 0.10.0 to 0.12.0, `src/cargo/sources/git/source.rs`.
        uses: &[stable(
            Versions::between(9, 11),
            Commands::Resolving,
            Exclusive,
            "the git database",
            HeldFor::Step,
        )],
    },
    LockFile {
        kind: LockKind::GitCheckouts,
        name: Name::StartsWith(".cargo-lock-"),
        place: Place::In(&["checkouts", "git"]),
        lies_at: "$CARGO_HOME/git/checkouts/.cargo-lock-<repository>",
        protects: "One checked out revision of a git dependency.",
        uses: &[stable(
            Versions::between(9, 11),
            Commands::Resolving,
            Exclusive,
            "the git checkout",
            HeldFor::Command,
        )],
    },
    LockFile {
        kind: LockKind::Other,
        name: Name::Is("Cargo.lock"),
        place: Place::Anywhere,
        lies_at: "<workspace>/Cargo.lock",
        protects: "The list of resolved dependencies, while it is read or written.",
        uses: &[
            // Shared to read, exclusive to write.
            Use {
                versions: Versions::since(9),
                commands: Commands::Any,
                mode: None,
                words: "Cargo.lock file",
                held_for: HeldFor::Moment,
                unstable: None,
            },
        ],
    },
    LockFile {
        kind: LockKind::Other,
        name: Name::Is(".future-incompat-report.json"),
        place: Place::Anywhere,
        lies_at: "<build>/.future-incompat-report.json",
        protects: "The report on code that a later Rust will refuse, while it is read or written.",
        uses: &[
            stable(
                Versions::since(52),
                Commands::Any,
                Exclusive,
                "Future incompatibility report",
                HeldFor::Moment,
            ),
            stable(
                Versions::since(52),
                Commands::Any,
                Shared,
                "Future incompatible report",
                HeldFor::Moment,
            ),
        ],
    },
    LockFile {
        kind: LockKind::Other,
        name: Name::EndsWith(".jsonl"),
        place: Place::CargoHomeSubfolder("log"),
        lies_at: "$CARGO_HOME/log/<run>.jsonl",
        protects: "The log of one build; each has its own.",
        uses: &[unstable(
            "-Zbuild-analysis",
            stable(
                Versions::since(93),
                Commands::Compiling,
                Exclusive,
                "build analysis log",
                HeldFor::Compile,
            ),
        )],
    },
    LockFile {
        kind: LockKind::Other,
        name: Name::Between(".cargo-", "lock"),
        place: Place::Anywhere,
        lies_at: "anywhere",
        protects: "Something of a Cargo that lockwatch does not know yet.",
        uses: &[Use {
            versions: Versions::ALL,
            commands: Commands::Any,
            mode: None,
            words: NAME_OF_FILE,
            held_for: HeldFor::Command,
            unstable: None,
        }],
    },
    LockFile {
        kind: LockKind::PackageScratch,
        name: Name::Any,
        place: Place::Within(&["tmp-registry", "package"]),
        lies_at: "<build>/package/tmp-registry/…",
        protects: "One file of the registry that `cargo package` makes for the crates of one workspace.",
        uses: &[stable(
            Versions::since(82),
            Commands::Packaging,
            Exclusive,
            "temporary package registry",
            HeldFor::Moment,
        )],
    },
    // Behind all others that end like this.
    LockFile {
        kind: LockKind::Other,
        name: Name::EndsWith(".crate"),
        place: Place::Anywhere,
        lies_at: "<local registry>/<package>-<version>.crate",
        protects: "One crate of a registry on this machine, while it is read.",
        // Tags 0.13.0 to 0.36.0, `src/cargo/sources/registry/local.rs`.
        uses: &[stable(
            Versions::between(12, 35),
            Commands::Resolving,
            Shared,
            "crate file",
            HeldFor::Moment,
        )],
    },
];
