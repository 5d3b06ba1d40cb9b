//! Where the record of a grant is.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{disk, latch};
use crate::key::GrantKey;

/// The name of the files of a key: a hash, because file systems fold case and bound the length.
pub(super) struct Name {
    pub(super) hash: String,
    /// The number of the latch.
    pub(super) group: usize,
}

impl Name {
    pub(super) fn new(key: &GrantKey) -> Self {
        let hash = Sha256::digest(key.as_str());
        let group = hash.first().copied().map_or(0, usize::from);
        Self { hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(), group }
    }

    pub(super) fn record(&self, folder: &Path) -> PathBuf {
        folder.join(&self.hash).with_extension(disk::RECORD)
    }

    pub(super) fn latch(&self, folder: &Path) -> PathBuf {
        latch::of(folder, &self.hash)
    }
}
