//! Checksums, in the form that `sha256sum --check` and `shasum -a 256 --check` read.

use std::fs;
use std::path::{Path, PathBuf};

use super::unwritten;
use crate::Error;
use crate::digest::sha256;

/// Writes `FILE.sha256` beside a file.
pub(super) fn write(file: &Path) -> Result<PathBuf, Error> {
    let content = fs::read(file).map_err(|source| Error::Read {
        path: file.to_owned(),
        source,
    })?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let path = file.with_file_name(format!("{name}.sha256"));
    fs::write(&path, format!("{}  {name}\n", sha256(&content))).map_err(unwritten(&path))?;
    Ok(path)
}
