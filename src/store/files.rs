//! Writes files: reports durably and all at once, made-up estates quickly.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Replaces a file's content at once: a reader sees the old bytes or the new, and after a crash one of them is
/// there. What is no regular file (a device, a pipe) is written straight.
///
/// # Errors
/// Any error of the file system; the old content stays then.
pub fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Ok(meta) = fs::metadata(path)
        && !meta.is_file()
    {
        if meta.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory"));
        }
        return File::options().write(true).open(path)?.write_all(bytes);
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".offkey-").suffix(".tmp");
    ordinary_mode(&mut builder);
    let mut temporary = builder.tempfile_in(directory)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|e| e.error)?;
    sync_directory(directory)
}

/// What stands where a file is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing.
    Nothing,
    /// A file with the very content.
    Same,
    /// Anything else.
    Different,
}

/// What stands there, compared with what is to be written.
///
/// # Errors
/// Any error of the file system but that nothing is there.
pub fn existing(path: &Path, bytes: &[u8]) -> io::Result<Existing> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Existing::Nothing),
        Err(error) => Err(error),
        Ok(meta) if !meta.is_file() || meta.len() != bytes.len() as u64 => Ok(Existing::Different),
        Ok(_) if fs::read(path)? == bytes => Ok(Existing::Same),
        Ok(_) => Ok(Existing::Different),
    }
}

/// Makes a directory and those above it, if they are not there.
///
/// # Errors
/// Any error of the file system.
pub fn make_directory(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Temporary files are private by default; a report gets what any new file gets.
#[cfg(unix)]
fn ordinary_mode(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn ordinary_mode(_: &mut tempfile::Builder<'_, '_>) {}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// The directory of a made-up estate: `estate/` below the one that the user named, and `truth.json` beside it.
pub struct DemoTree {
    root: PathBuf,
}

/// What a demo's truth starts with, by which its directory is known as its own.
const MARK: &str = "offkey.truth/";

impl DemoTree {
    /// Makes the directory ready. An estate from an earlier demo is removed; anything else there is left, and a
    /// foreign `estate` is an error.
    ///
    /// # Errors
    /// Any error of the file system, or `AlreadyExists`.
    pub fn create(root: &Path) -> io::Result<Self> {
        let estate = root.join("estate");
        if estate.exists() {
            let truth = fs::read_to_string(root.join("truth.json")).unwrap_or_default();
            if !truth.contains(MARK) {
                let text = format!("{} exists and was not made by the demo", estate.display());
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
            }
            fs::remove_dir_all(&estate)?;
        }
        fs::create_dir_all(&estate)?;
        // Written first, so that an interrupted demo is known as one when it is run again.
        fs::write(root.join("truth.json"), format!("{{\"version\":\"{MARK}1\",\"incomplete\":true}}\n"))?;
        Ok(Self { root: root.to_path_buf() })
    }

    /// Where the estate is.
    pub fn estate(&self) -> PathBuf {
        self.root.join("estate")
    }

    /// Writes one file of the estate.
    ///
    /// # Errors
    /// Any error of the file system, or a path that leads out of the estate.
    pub fn file(&self, relative: &str, bytes: &[u8]) -> io::Result<()> {
        if relative.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("not a path inside the estate: {relative}"),
            ));
        }
        let path = self.estate().join(relative);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durable_writes_replace_and_leave_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.md");
        write_durably(&path, b"one").unwrap();
        write_durably(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(write_durably(dir.path(), b"x").is_err());
        assert!(write_durably(&dir.path().join("missing/r.md"), b"x").is_err());
    }

    #[test]
    fn a_demo_removes_only_its_own_estate() {
        let dir = tempfile::tempdir().unwrap();
        let tree = DemoTree::create(dir.path()).unwrap();
        tree.file("a/b.json", b"{}").unwrap();
        assert!(tree.file("../escape", b"").is_err());
        assert!(!DemoTree::create(dir.path()).unwrap().estate().join("a").exists());
        fs::write(dir.path().join("truth.json"), "mine").unwrap();
        assert!(DemoTree::create(dir.path()).is_err());
    }
}
