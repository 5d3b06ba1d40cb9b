//! A generated project with one program, a workspace of its own below the target folder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::measure::cpu_seconds;
use crate::{
    command::{Outcome, cargo, output, run},
    metadata::{Workspace, names_and_versions},
};

/// A program to build.
pub(super) struct Program {
    pub(super) name: &'static str,
    pub(super) main: &'static str,
    /// Lines of a manifest; `{crates}` stands for the folder of ours.
    pub(super) dependencies: &'static [&'static str],
}

/// What was measured.
pub(super) struct Built {
    /// User and system time of a cold build, in seconds.
    pub(super) cpu: f64,
    /// Different crates by name, the program itself not counted.
    pub(super) crates: u64,
    /// Size of the stripped program.
    pub(super) bytes: u64,
}

impl Program {
    /// Writes the project and downloads what it needs.
    pub(super) fn prepare(&self, workspace: &Workspace) -> Outcome {
        let folder = self.folder(workspace);
        let main = folder.join("src/main.rs");
        fs::create_dir_all(folder.join("src"))
            .and_then(|()| fs::write(&main, self.main))
            .and_then(|()| fs::write(folder.join("Cargo.toml"), self.manifest(&workspace.root)))
            // The versions of the workspace, for as much of the tree as it has.
            .and_then(|()| {
                fs::copy(workspace.root.join("Cargo.lock"), folder.join("Cargo.lock")).map(drop)
            })
            .map_err(|error| format!("cannot write the project {}: {error}", folder.display()))?;
        run(self.cargo(workspace).args(["fetch", "--quiet"]))
    }

    /// Builds it from nothing and returns the CPU seconds that it took.
    pub(super) fn build(&self, workspace: &Workspace) -> Outcome<f64> {
        let target = self.target(workspace);
        if target.exists() {
            fs::remove_dir_all(&target)
                .map_err(|error| format!("cannot remove {}: {error}", target.display()))?;
        }
        cpu_seconds(self.cargo(workspace).args(["build", "--release", "--offline", "--quiet"]))
    }

    /// What the last build came to.
    pub(super) fn built(&self, workspace: &Workspace, cpu: f64) -> Outcome<Built> {
        let mut tree = self.cargo(workspace);
        tree.args(["tree", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"]);
        let mut names: Vec<_> =
            names_and_versions(&output(&mut tree)?).into_iter().map(|(name, _)| name).collect();
        names.dedup();
        let program = self.target(workspace).join("release").join(self.name);
        let program = program.with_extension(std::env::consts::EXE_EXTENSION);
        let bytes = fs::metadata(&program)
            .map_err(|error| format!("cannot read {}: {error}", program.display()))?
            .len();
        Ok(Built { cpu, crates: names.len() as u64 - 1, bytes })
    }

    fn manifest(&self, root: &Path) -> String {
        let crates = root.join("crates");
        let dependencies =
            self.dependencies.join("\n").replace("{crates}", &crates.to_string_lossy());
        format!(
            "[package]\nname = \"{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
             [dependencies]\n{dependencies}\n\n[profile.release]\nstrip = true\n\n[workspace]\n",
            self.name
        )
    }

    fn cargo(&self, workspace: &Workspace) -> Command {
        let mut command = cargo(&self.folder(workspace));
        // A compiler cache would measure itself.
        command.env("CARGO_TARGET_DIR", self.target(workspace)).env("RUSTC_WRAPPER", "");
        command
    }

    fn folder(&self, workspace: &Workspace) -> PathBuf {
        workspace.target.join("weight").join(self.name)
    }

    fn target(&self, workspace: &Workspace) -> PathBuf {
        self.folder(workspace).join("target")
    }
}
