//! Access that other users of the machine have to a file with secrets. Nothing is changed here.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The user that every other user has to trust.
pub(crate) const ROOT: u32 = 0;
/// The permission bits, without the type of the file.
pub(crate) const MODE: u32 = 0o7777;
/// Bits that a file of this user must not have.
const OTHERS: u32 = 0o077;
/// Bits that a file of root must not have. Its group may read: so root gives a secret to a service.
const OTHERS_OF_ROOT: u32 = 0o037;
/// Bits that a directory of root must not have. Its group may work in it, as in a volume of Kubernetes.
const EVERYBODY: u32 = 0o007;

/// A file or directory that other users of the machine can open.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} {exposure}", .path.display())]
pub struct Exposed {
    /// The file or directory.
    pub path: PathBuf,
    /// The exposure.
    pub exposure: Exposure,
}

/// Ways in which a file is open to other users of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Exposure {
    /// By its permission bits.
    #[error("is open to other users of this machine (mode {mode:04o})")]
    Mode {
        /// The bits.
        mode: u32,
    },
    /// It belongs to a user who is neither root nor the one that runs this program.
    #[error("belongs to another user (uid {owner})")]
    Owner {
        /// The user's number.
        owner: u32,
    },
}

impl Exposed {
    /// The file with its exposure; `None` if it is closed, is not there, or is a pipe or device.
    #[must_use]
    pub fn find(path: &Path) -> Option<Self> {
        let exposure = exposure(&fs::metadata(path).ok()?)?;
        Some(Self {
            path: path.to_owned(),
            exposure,
        })
    }
}

/// The exposure of the file that has this metadata; `None` if it is closed, or neither a file nor a
/// directory.
fn exposure(metadata: &Metadata) -> Option<Exposure> {
    let (owner, mode) = (metadata.uid(), metadata.mode() & MODE);
    let excess = match owner {
        _ if !metadata.is_file() && !metadata.is_dir() => return None,
        _ if owner == user() => OTHERS,
        ROOT if metadata.is_dir() => EVERYBODY,
        ROOT => OTHERS_OF_ROOT,
        _ => return Some(Exposure::Owner { owner }),
    };
    (mode & excess != 0).then_some(Exposure::Mode { mode })
}

/// The user that runs this program.
pub(crate) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}
