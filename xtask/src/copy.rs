//! A copy of the crates that a program of the workspace is built from, for patches.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    command::{Outcome, cargo},
    metadata::Workspace,
    patch::Patch,
};

/// The copy. All patches share it and its target folder, so that only what a patch changes is built
/// again.
pub(crate) struct Copy {
    /// The folders of the crates.
    members: &'static [&'static str],
    /// The package of the program.
    package: &'static str,
    root: PathBuf,
    folder: PathBuf,
    target: PathBuf,
}

impl Copy {
    /// Creates a copy in this folder of the target folder.
    pub(crate) fn new(
        workspace: &Workspace,
        name: &str,
        members: &'static [&'static str],
        package: &'static str,
    ) -> Self {
        let (root, folder) = (workspace.root.clone(), workspace.target.join(name));
        Self { members, package, root, target: folder.join("target"), folder }
    }

    /// Brings the copy to the present sources with the patch applied.
    pub(crate) fn write(&self, patch: &Patch<'_>) -> Outcome {
        self.put("Cargo.toml", |text| {
            let (before, rest) = text.split_once("members = [").ok_or("no members")?;
            let (_, after) = rest.split_once(']').ok_or("members without end")?;
            let members: Vec<_> = self.members.iter().map(|it| format!("{it:?}")).collect();
            let members = members.join(", ");
            Ok(format!("{before}members = [{members}]{after}"))
        })?;
        // Cargo removes the other packages from the lock file of the copy.
        if !self.folder.join("Cargo.lock").exists() {
            self.put("Cargo.lock", Ok)?;
        }
        for member in self.members {
            // The crate for tests is not copied.
            self.put(&format!("{member}/Cargo.toml"), |text| Ok(without_dev_dependencies(&text)))?;
            self.put_folder(&Path::new(member).join("src"), patch)?;
            if self.root.join(member).join("README.md").exists() {
                self.put(&format!("{member}/README.md"), Ok)?;
            }
        }
        Ok(())
    }

    /// Runs the program. Returns whether everything held.
    pub(crate) fn holds(&self, args: &[&str]) -> Outcome<bool> {
        self.build()?;
        let program = format!("{}{}", self.package, std::env::consts::EXE_SUFFIX);
        let mut command = std::process::Command::new(self.target.join("debug").join(program));
        match command.args(args).status()?.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(format!("{} cannot run {args:?}", self.package).into()),
        }
    }

    fn build(&self) -> Outcome {
        let mut command = cargo(&self.folder);
        command.args(["build", "--quiet", "--offline", "--package", self.package]);
        command.arg("--target-dir").arg(&self.target);
        let output = command.output()?;
        if output.status.success() {
            return Ok(());
        }
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(format!("the copy without the rule cannot be built: {errors}").into())
    }

    fn put_folder(&self, folder: &Path, patch: &Patch<'_>) -> Outcome {
        for entry in fs::read_dir(self.root.join(folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.put_folder(&path, patch)?;
            } else {
                let path = path.to_string_lossy().replace('\\', "/");
                self.put(&path, |text| patch.apply(&path, text))?;
            }
        }
        Ok(())
    }

    /// Writes a file if it differs: cargo builds again what has been written.
    fn put(&self, path: &str, change: impl FnOnce(String) -> Outcome<String>) -> Outcome {
        let text = change(fs::read_to_string(self.root.join(path))?)?;
        let to = self.folder.join(path);
        match fs::read_to_string(&to) {
            Ok(present) if present == text => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        Ok(fs::write(to, text)?)
    }
}

/// Removes the sections for tests from a manifest.
fn without_dev_dependencies(manifest: &str) -> String {
    let mut keeps = true;
    let lines = manifest.lines().filter(|line| {
        if line.starts_with('[') {
            keeps = !line.contains("dev-dependencies") && !line.starts_with("[[");
        }
        keeps
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}
