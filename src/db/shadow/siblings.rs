//! Shadows beside a shadow: other databases of one server that its statements name.

use super::{Shadow, ShadowBase, State};
use crate::db::session::DbError;
use crate::dialect::ErrorKind;
use crate::model::schema::{NotCompared, Schema};

/// The shadow of another database, in which its migrations are replayed.
pub struct Sibling {
    /// The name of the database on its server.
    own: String,
    shadow: Box<Shadow>,
    /// Whether its migrations could be replayed so far.
    is_usable: bool,
}

/// Removes shadows, all of them whatever fails.
pub async fn removed(siblings: Vec<Sibling>) -> Result<(), DbError> {
    let mut result = Ok(());
    for sibling in siblings {
        result = Box::pin(sibling.shadow.remove()).await.and(result);
    }
    result
}

impl Shadow {
    /// The shadow of a database beside this one, made where there is none yet. `None` if the
    /// migrations of that database could not be replayed.
    pub async fn beside(&mut self, base: ShadowBase<'_>) -> Result<Option<&mut Shadow>, DbError> {
        let own = base.target.database();
        if !self.siblings.iter().any(|sibling| sibling.own == own) {
            let shadow = Shadow::create(base).await?;
            self.add(own.to_owned(), shadow);
        }
        let mut siblings = self.siblings.iter_mut();
        let sibling = siblings.find(|sibling| sibling.own == own && sibling.is_usable);
        Ok(sibling.map(|sibling| sibling.shadow.as_mut()))
    }

    /// The databases that have or had shadows beside this one.
    pub fn known_beside(&self) -> Vec<String> {
        let known = self.state.known_siblings.iter();
        known.map(|(own, _)| own.clone()).collect()
    }

    fn add(&mut self, own: String, mut shadow: Shadow) {
        let names = (own.clone(), shadow.database.clone());
        let mut theirs = vec![(self.state.scope.own.clone(), self.database.clone())];
        theirs.extend(self.state.scope.siblings.iter().cloned());
        shadow.state.become_siblings(theirs);
        for sibling in &mut self.siblings {
            sibling.shadow.state.become_siblings(vec![names.clone()]);
        }
        self.state.become_siblings(vec![names]);
        self.siblings.push(Sibling {
            own,
            shadow: Box::new(shadow),
            is_usable: true,
        });
    }

    /// Gives up a shadow whose migrations cannot be replayed: statements that name its database are
    /// no longer sent.
    pub fn give_up(&mut self, own: &str) {
        for sibling in &mut self.siblings {
            sibling.is_usable &= sibling.own != own;
            sibling.shadow.state.give_up(own);
        }
        self.state.give_up(own);
    }
}

impl State {
    fn become_siblings(&mut self, names: Vec<(String, String)>) {
        self.known_siblings.extend(names.iter().cloned());
        self.scope.siblings.extend(names);
    }

    fn give_up(&mut self, own: &str) {
        self.scope.siblings.retain(|(name, _)| name != own);
        // It may not exist, but what names it must not be sent.
        self.scope.others.push(own.to_owned());
    }

    /// The databases that have shadows beside this one.
    pub fn siblings(&self) -> Vec<String> {
        let siblings = self.scope.siblings.iter();
        siblings.map(|(own, _)| own.clone()).collect()
    }

    /// A text of the server with the databases' own names. No other text has the name of a shadow.
    pub fn with_own_names(&self, text: &str) -> String {
        let all = self.known_siblings.iter();
        all.fold(text.to_owned(), |text, (own, shadow)| {
            text.replace(shadow, own)
        })
    }

    /// Gives the parts of a schema that name other databases their own names.
    pub fn restore_names(&self, schema: &mut Schema) -> Result<(), DbError> {
        if self.known_siblings.is_empty() {
            return Ok(());
        }
        let unreadable = |reason: serde_json::Error| {
            let message = format!("a schema cannot be copied: {reason}");
            DbError::new(ErrorKind::Other, message)
        };
        let unstated = std::mem::take(&mut schema.unstated.0);
        let mut json = serde_json::to_value(&*schema).map_err(unreadable)?;
        self.restore(&mut json);
        *schema = serde_json::from_value(json).map_err(unreadable)?;
        schema.unstated = NotCompared(unstated);
        Ok(())
    }

    fn restore(&self, json: &mut serde_json::Value) {
        match json {
            serde_json::Value::String(text) => *text = self.with_own_names(text),
            serde_json::Value::Array(all) => all.iter_mut().for_each(|one| self.restore(one)),
            serde_json::Value::Object(all) => all.values_mut().for_each(|one| self.restore(one)),
            _ => {}
        }
    }
}
