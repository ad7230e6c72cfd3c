//! Opens files by way of their directories, some of which stay open: from the root on, every directory of a path has to be
//! found anew for each file, and log objects lie a dozen directories deep.

use std::fs::File;
use std::io;
use std::path::Path;

#[cfg(unix)]
pub(super) use kept::Directories;

#[cfg(unix)]
mod kept {
    use super::{File, Path, by_path, io};
    use hashbrown::DefaultHashBuilder;
    use rustix::fd::OwnedFd;
    use rustix::fs::{Mode, OFlags, openat};
    use std::ffi::OsStr;
    use std::hash::BuildHasher;
    use std::os::unix::ffi::OsStrExt;

    /// Directories that a thread keeps open at most; files of one hour come from few of them, and processes may have no more
    /// than a thousand files open.
    const KEPT: usize = 32;

    /// A directory that was met, and open from the second time on: where hardly any is met twice, none is opened.
    #[derive(Default)]
    struct Slot {
        path: Vec<u8>,
        open: Option<OwnedFd>,
    }

    /// Directories that were met last.
    pub(in super::super) struct Directories {
        slots: [Slot; KEPT],
        hasher: DefaultHashBuilder,
    }

    impl Directories {
        pub(in super::super) fn new() -> Self {
            Self { slots: std::array::from_fn(|_| Slot::default()), hasher: DefaultHashBuilder::default() }
        }

        /// Opens a file for reading.
        ///
        /// # Errors
        /// Those of [`File::open`].
        pub(in super::super) fn open(&mut self, path: &Path) -> io::Result<File> {
            let bytes = path.as_os_str().as_bytes();
            let Some((directory, name)) =
                memchr::memrchr(b'/', bytes).and_then(|at| bytes.split_at_checked(at + 1))
            else {
                return by_path(path);
            };
            let nth = self.hasher.hash_one(directory) as usize % KEPT;
            let Some(slot) = self.slots.get_mut(nth) else { return by_path(path) };
            if slot.path != directory {
                slot.path.clear();
                slot.path.extend_from_slice(directory);
                slot.open = None;
                return by_path(path);
            }
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            if slot.open.is_none() {
                let directory = OsStr::from_bytes(directory);
                slot.open = rustix::fs::open(directory, flags | OFlags::DIRECTORY, Mode::empty()).ok();
            }
            // Whatever goes wrong, as where another directory is in its place by now, is the path's to tell.
            let opened = slot.open.as_ref().and_then(|open| openat(open, name, flags, Mode::empty()).ok());
            opened.map_or_else(|| by_path(path), |file| Ok(File::from(file)))
        }
    }
}

/// The same where directories cannot be kept.
#[cfg(not(unix))]
pub(super) struct Directories;

#[cfg(not(unix))]
impl Directories {
    pub(super) fn new() -> Self {
        Self
    }

    pub(super) fn open(&mut self, path: &Path) -> io::Result<File> {
        by_path(path)
    }
}

fn by_path(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn files_are_those_of_their_paths() {
        let root = tempfile::tempdir().unwrap();
        let mut directories = Directories::new();
        let mut read = |path: &Path| {
            let mut text = String::new();
            directories.open(path)?.read_to_string(&mut text).map(|_| text)
        };
        // More directories than are kept, several times.
        for round in 0..4 {
            for n in 0..100 {
                let path = root.path().join(format!("d{n}")).join(format!("f{round}"));
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, path.to_str().unwrap()).unwrap();
                for _ in 0..3 {
                    assert_eq!(read(&path).unwrap(), path.to_str().unwrap());
                }
            }
        }
        // A directory that is another by now, or gone.
        let (first, second) = (root.path().join("a"), root.path().join("b"));
        std::fs::create_dir(&first).unwrap();
        std::fs::write(first.join("x"), "old").unwrap();
        for _ in 0..3 {
            assert_eq!(read(&first.join("x")).unwrap(), "old");
        }
        std::fs::remove_dir_all(&first).unwrap();
        std::fs::create_dir(&second).unwrap();
        std::fs::write(second.join("x"), "new").unwrap();
        std::fs::rename(&second, &first).unwrap();
        assert_eq!(read(&first.join("x")).unwrap(), "new");
        std::fs::remove_dir_all(&first).unwrap();
        assert_eq!(read(&first.join("x")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(read(Path::new("no-such-file")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
