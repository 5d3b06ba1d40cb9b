//! What `cargo metadata` knows of the workspace, as far as the tasks need it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::command::{Outcome, cargo, output};

/// The workspace, and every package that its lock file names.
#[derive(Deserialize)]
pub(crate) struct Workspace {
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
    #[serde(rename = "workspace_members")]
    members: BTreeSet<String>,
}

/// One package, ours or another's.
#[derive(Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) rust_version: Option<String>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// The registries that may take it: `None` is any, an empty list is none.
    publish: Option<Vec<String>>,
}

impl Workspace {
    /// Asks the cargo that runs us.
    pub(crate) fn load() -> Outcome<Self> {
        let mut command = cargo(Path::new(env!("CARGO_MANIFEST_DIR")));
        let all = ["metadata", "--format-version", "1", "--all-features"];
        let json = output(command.args(all))?;
        serde_json::from_str(&json)
            .map_err(|error| format!("`cargo metadata` has an unknown form: {error}").into())
    }

    /// Our packages that are published, by name.
    pub(crate) fn published(&self) -> Vec<&Package> {
        let mut packages: Vec<_> = self
            .packages
            .iter()
            .filter(|package| self.members.contains(&package.id) && package.publish.is_none())
            .collect();
        packages.sort_by_key(|package| &package.name);
        packages
    }

    /// The names and versions in the dependency tree that `args` ask `cargo tree` for, the root
    /// included, whatever the platform.
    pub(crate) fn tree(&self, args: &[&str]) -> Outcome<BTreeSet<(String, String)>> {
        let mut command = cargo(&self.root);
        command.args(["tree", "--prefix", "none", "--format", "{p}", "--target", "all"]);
        Ok(names_and_versions(&output(command.args(args))?))
    }

    /// The features with which a crate is in that tree.
    pub(crate) fn features_of(&self, name: &str, args: &[&str]) -> Outcome<BTreeSet<String>> {
        let mut command = cargo(&self.root);
        command.args(["tree", "--prefix", "none", "--format", "{p}|{f}", "--target", "all"]);
        let tree = output(command.args(args))?;
        let lines = tree.lines().filter_map(|line| line.split_once('|'));
        let named = lines.filter(|(package, _)| package.split_whitespace().next() == Some(name));
        // Where a crate was told before, its line ends with a mark.
        let features = named.flat_map(|(_, features)| features.trim_end_matches(" (*)").split(','));
        Ok(features.map(str::to_owned).collect())
    }
}

/// Reads lines of `name v1.2.3 (anything)`.
pub(crate) fn names_and_versions(tree: &str) -> BTreeSet<(String, String)> {
    tree.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next()?;
            let version = words.next()?.strip_prefix('v')?;
            Some((name.to_owned(), version.to_owned()))
        })
        .collect()
}
