//! What goes wrong around a run: connections, servers, locks, tables, statements, and what comes
//! over the network. `docs/reliability.md` names the cases.

mod cut;
mod ended;
mod files;
mod index;
mod journal;
mod race;
mod rogue;
mod secrets;
mod silence;
mod statements;
