//! What a process is, by the kernel's short name. Pure.

use super::Kind;

/// How a name is told.
enum Name {
    /// It is this one.
    Is(&'static str),
    /// It begins so.
    Begins(&'static str),
    /// It has this in it. The kernel cuts names at 15 bytes, so the end may be missing.
    Has(&'static str),
}

use Name::{Begins, Has, Is};

/// The first row that fits decides.
const TABLE: &[(Kind, &[Name])] = &[
    (
        Kind::Compiler,
        &[Is("rustc"), Is("rustdoc"), Is("clippy-driver"), Is("miri")],
    ),
    // A credential helper that only keeps what it was told asks nobody.
    (Kind::Other, &[Begins("git-credential-cache")]),
    (
        Kind::AsksAPerson,
        &[
            Begins("pinentry"),
            Has("askpas"),
            Begins("gnome-ssh-askpa"),
            Begins("lxqt-openssh-as"),
            Begins("git-credential"),
            Begins("cargo-credentia"),
        ],
    ),
    (Kind::BuildScript, &[Begins("build-script-")]),
    (Kind::Git, &[Is("git"), Begins("git-")]),
    (Kind::Ssh, &[Is("ssh")]),
    (
        Kind::RemoteClient,
        &[
            Is("sccache"),
            Is("cachepot"),
            Is("ccache"),
            Is("distcc"),
            Is("icecc"),
            Is("docker"),
            Is("podman"),
        ],
    ),
    (Kind::Cargo, &[Is("cargo"), Begins("cargo-")]),
    (
        Kind::Linker,
        &[
            Is("cc"),
            Is("c++"),
            Is("gcc"),
            Is("g++"),
            Is("cc1"),
            Is("cc1plus"),
            Is("as"),
            Is("lto1"),
            Begins("lto-wrapper"),
            Begins("clang"),
            Is("ld"),
            Begins("ld."),
            Begins("ld-"),
            Begins("ld64"),
            Begins("collect2"),
            Begins("rust-lld"),
            Is("lld"),
            Is("mold"),
            Is("wild"),
            Is("link"),
            Begins("dsymutil"),
            Has("-linux-gn"),
            Has("-linux-musl"),
        ],
    ),
];

impl Kind {
    /// By the kernel's short name.
    pub fn of(name: &str) -> Self {
        let fits = |wanted: &Name| match wanted {
            Is(whole) => name == *whole,
            Begins(begin) => name.starts_with(begin),
            Has(part) => name.contains(part),
        };
        let found = TABLE.iter().find(|(_, names)| names.iter().any(fits));
        found.map_or(Self::Other, |(kind, _)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, kind) in [
            ("rustc", Kind::Compiler),
            ("clippy-driver", Kind::Compiler),
            ("build-script-bu", Kind::BuildScript),
            ("build-script-ma", Kind::BuildScript),
            ("cc", Kind::Linker),
            ("cc1plus", Kind::Linker),
            ("ld.lld", Kind::Linker),
            ("x86_64-linux-gn", Kind::Linker),
            ("mold", Kind::Linker),
            ("git", Kind::Git),
            ("git-remote-http", Kind::Git),
            ("ssh", Kind::Ssh),
            ("ssh-agent", Kind::Other),
            ("sshd", Kind::Other),
            ("ssh-askpass", Kind::AsksAPerson),
            ("x11-ssh-askpass", Kind::AsksAPerson),
            ("ksshaskpass", Kind::AsksAPerson),
            ("gnome-ssh-askpa", Kind::AsksAPerson),
            ("pinentry-curses", Kind::AsksAPerson),
            ("git-credential-", Kind::AsksAPerson),
            ("git-credential-cache--daemon", Kind::Other),
            ("cargo-credentia", Kind::AsksAPerson),
            ("cargo", Kind::Cargo),
            ("cargo-clippy", Kind::Cargo),
            ("sccache", Kind::RemoteClient),
            ("dockerd", Kind::Other),
            ("zsh", Kind::Other),
            ("", Kind::Other),
        ] {
            assert_eq!(Kind::of(name), kind, "{name}");
        }
    }
}
