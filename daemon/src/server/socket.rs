//! The socket file.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::BindError;

/// The file of a socket that we listen on; it is removed with this.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    id: (u64, u64),
}

/// Listens. A socket that an earlier daemon left is removed: whoever calls this has the lock, so no daemon listens on it
/// any more. Anything else in its place is somebody's, and stays.
///
/// The mode is set after the socket is made, and not by the umask before: that one belongs to the whole process, and a
/// file that another thread makes at that moment would get it too. Nobody gets in between, since the folder is closed
/// to others.
pub(super) fn listen(path: PathBuf) -> Result<(UnixListener, SocketFile), BindError> {
    let failed = |source| BindError::Socket {
        path: path.clone(),
        source,
    };
    match path.symlink_metadata() {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(&path).map_err(failed)?,
        Ok(_) => return Err(BindError::InTheWay { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let listener = UnixListener::bind(&path).map_err(failed)?;
    let id = id(&path).map_err(failed)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok((listener, SocketFile { path, id }))
}

fn id(path: &Path) -> io::Result<(u64, u64)> {
    path.symlink_metadata().map(|found| (found.dev(), found.ino()))
}

impl SocketFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Where it was removed and another daemon made its own, that one stays.
        if id(&self.path).is_ok_and(|there| there == self.id) {
            drop(std::fs::remove_file(&self.path));
        }
    }
}
