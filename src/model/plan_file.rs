//! The plan of a migration as a file: what was reviewed, and the state that it was made for.

use serde::{Deserialize, Serialize};

use super::own_key::{OwnKey, Signature};
use super::schema::Schema;

/// What the files say they are.
pub const KIND: &str = "bird-migrate-plan";
/// The version of the format.
pub const SCHEMA_VERSION: u32 = 1;

/// A plan with the state of its databases when it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanFile {
    pub schema_version: u32,
    pub kind: String,
    /// The version of bird that wrote it.
    pub bird: String,
    /// The run that wrote it.
    pub run: String,
    pub created_on: String,
    pub environment: Option<String>,
    pub databases: Vec<PlannedDatabase>,
    /// Over the plan without it, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

impl PlanFile {
    /// The text that is signed.
    fn signed(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&PlanFile {
            signature: None,
            ..self.clone()
        })
    }

    /// Signs the plan.
    pub fn sign(&mut self, key: &OwnKey) -> serde_json::Result<()> {
        self.signature = Some(key.sign(KIND, &self.signed()?));
        Ok(())
    }

    /// Whether the plan is as it was signed, as far as this key can tell.
    pub fn is_accepted_by(&self, key: &OwnKey) -> serde_json::Result<bool> {
        Ok(key.accepts(self.signature.as_ref(), KIND, &self.signed()?))
    }
}

/// A database with the migrations that are to be applied to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedDatabase {
    pub name: String,
    /// Where it is, without user or password.
    pub target: String,
    /// The last version to apply, if one was named.
    pub to: Option<i64>,
    pub steps: Vec<PlannedStep>,
    /// What was applied.
    pub history: Vec<PlannedApplied>,
    /// The live schema; `None` if the database did not exist.
    pub schema: Option<Schema>,
}

/// A migration that is to be applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    pub version: i64,
    pub name: String,
    pub file: String,
    /// Hex SHA-256 over the file.
    pub sha256: String,
    /// The number of statements that are applied already.
    pub from: usize,
    /// The statements that are to run, without secrets.
    pub statements: Vec<String>,
}

/// A migration that is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedApplied {
    pub version: i64,
    pub name: String,
    /// As the history has it: a number, as text because not every reader of JSON has such numbers.
    pub checksum: String,
}
