//! The project that is audited, and what must be found in it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::floors::{CHILDREN, Child, UNINDEXED};
use crate::people::{ORPHAN_MESSAGES, ORPHAN_SUBSCRIPTIONS};
use crate::race::BIRD;
use crate::race::engine::Engine;
use crate::race::measure::Job;

/// Two projects of the same databases: with Bird's own references, and with the one that no index
/// serves.
pub struct Project {
    folder: PathBuf,
}

impl Project {
    pub fn write(within: &Path) -> Result<Self> {
        let folder = within.join("project");
        std::fs::create_dir_all(folder.join("migrations"))?;
        let project = Project { folder };
        for children in [&CHILDREN[..], &[UNINDEXED]] {
            let mut config = String::new();
            for database in ["ums", "twitter"] {
                // The variable that `bird` below gets overrides the URL.
                writeln!(config, "[databases.{database}]\nurl = \"sqlite:none.db\"")?;
                writeln!(config, "migrations = \"migrations\"\n")?;
            }
            for (table, column) in children {
                writeln!(
                    config,
                    "[[references]]\nfrom = \"twitter.{table}.{column}\""
                )?;
                writeln!(config, "to = \"ums.users.id\"\n")?;
            }
            std::fs::write(project.config(children), config)?;
        }
        Ok(project)
    }

    fn config(&self, children: &[Child]) -> PathBuf {
        let name = children.first().map_or("none", |(table, _)| table);
        self.folder.join(format!("{name}.toml"))
    }

    /// An audit of these references, which finds orphans.
    pub fn audit(&self, engine: &Engine, children: &[Child], words: &[&str]) -> Job {
        let job = Job::new(BIRD)
            .args(["audit", "--quiet", "--format", "json"])
            .args(words.iter().copied())
            .folder(&self.folder)
            .variable("BIRD_CONFIG", self.config(children).display().to_string());
        let job = ["ums", "twitter"].iter().fold(job, |job, database| {
            let variable = format!("BIRD_{}_URL", database.to_ascii_uppercase());
            job.variable(variable, engine.url(database))
        });
        job.ends(1)
    }

    /// What confirming candidates adds to an audit, as a part of all the rest of its time.
    pub fn confirming(&self, engine: &Engine, children: &[Child], words: &[&str]) -> Result<f64> {
        let start = Instant::now();
        let output = self.output(engine, children, words)?;
        let all = start.elapsed().as_secs_f64() * 1000.0;
        let references = output["references"].as_array().context("no references")?;
        let each = references.iter().map(|reference| {
            let taken = reference["confirming"]["milliseconds"].as_f64();
            taken.context("how long candidates were confirmed is not told")
        });
        let own = each.sum::<Result<f64>>()?;
        Ok(own / (all - own))
    }

    fn output(&self, engine: &Engine, children: &[Child], words: &[&str]) -> Result<Value> {
        let output = self.audit(engine, children, words).command()?.output()?;
        serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Whether an audit finds what was planted, and nothing else.
    pub fn check(&self, engine: &Engine, children: &[Child], words: &[&str]) -> Result<()> {
        let output = self.output(engine, children, words)?;
        let found = |child: &Child| {
            let name = format!("twitter.{}.{}", child.0, child.1);
            let mut all = output["references"].as_array()?.iter();
            let reference = all.find(|reference| reference["from"] == name)?;
            reference["orphan_rows"].as_u64()
        };
        for child in children {
            let planted = match child.0 {
                "subscriptions" => ORPHAN_SUBSCRIPTIONS / 2,
                _ => ORPHAN_MESSAGES,
            };
            let found = found(child);
            ensure!(
                output["complete"] == true && found == Some(planted),
                "{planted} orphan rows of {child:?} were planted, and the audit told {output}"
            );
        }
        Ok(())
    }
}
