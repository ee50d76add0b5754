//! What can go wrong, each with the way out.

use std::io;
use std::path::PathBuf;

use lockwatch::folders::FoldersError;
use lockwatch::service::ServiceError;

/// One sentence, without a full stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot make the folder {} ({source}); see that it may be made, or choose another one", .folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error("cannot write {} ({source}); see that it may be written, or choose another folder", .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {} ({source})", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot remove {} ({source}); see that it may be removed, and run this again", .path.display())]
    Remove { path: PathBuf, source: io::Error },
    #[error("there is no program {}; build it with `cargo build --release --workspace`", .path.display())]
    NoProgram { path: PathBuf },
    #[error("cannot run `{program}` ({source}); {way_out}")]
    Run {
        program: String,
        source: io::Error,
        way_out: &'static str,
    },
    #[error("`{command}` failed with {status}{said}")]
    Failed {
        command: String,
        status: std::process::ExitStatus,
        said: String,
    },
    #[error("{} was not put there by lockwatch and is in the way; move it away, and run this again", .path.display())]
    InTheWay { path: PathBuf },
    #[error("{} is not a list that this version of lockwatch understands ({reason}); use the version that wrote it, or remove the files by hand", .path.display())]
    Record { path: PathBuf, reason: String },
    #[error("a daemon still answers on {}, and writes the history; end it, and run this again", .socket.display())]
    StillRuns { socket: PathBuf },
    #[error("{} {source}; mend the drawing", .path.display())]
    Render {
        path: PathBuf,
        source: crate::icons::RenderError,
    },
    #[error("the drawing of the app's icon {0}")]
    Icon(String),
    #[error("the property list {name} cannot be used ({source})")]
    PropertyList { name: &'static str, source: plist::Error },
    #[error("cannot tell {what}; {way_out}")]
    Unknown { what: &'static str, way_out: &'static str },
    #[error(transparent)]
    Folders(#[from] FoldersError),
    #[error(transparent)]
    Service(#[from] ServiceError),
}
