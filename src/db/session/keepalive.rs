//! TCP keep-alive, so that a network that drops packets silently ends a connection within a minute
//! instead of never. The drivers open their sockets themselves and offer no options.

/// Sets the options on every TCP socket of this process; those that have them already stay as they
/// are. A kernel that lacks one keeps its default.
#[cfg(unix)]
pub fn on_all_sockets() {
    use std::os::fd::BorrowedFd;
    use std::time::Duration;

    use rustix::net::sockopt;
    use rustix::net::{AddressFamily, SocketType};

    let Ok(entries) = std::fs::read_dir("/dev/fd") else {
        return;
    };
    let numbers = entries.flatten().filter_map(|entry| {
        let name = entry.file_name();
        name.to_str()?.parse().ok().filter(|number| *number > 2)
    });
    for number in numbers {
        #[expect(unsafe_code, reason = "a descriptor is known by its number only")]
        // SAFETY: the descriptor is used for calls that fail on one that was closed meanwhile.
        let socket = unsafe { BorrowedFd::borrow_raw(number) };
        let is_tcp = matches!(sockopt::socket_type(socket), Ok(SocketType::STREAM))
            && rustix::net::getsockname(socket).is_ok_and(|address| {
                matches!(
                    address.address_family(),
                    AddressFamily::INET | AddressFamily::INET6
                )
            });
        if !is_tcp {
            continue;
        }
        let second = Duration::from_secs(1);
        // Each is worth having without the others.
        let _: rustix::io::Result<()> = sockopt::set_tcp_keepidle(socket, 30 * second);
        let _: rustix::io::Result<()> = sockopt::set_tcp_keepintvl(socket, 10 * second);
        let _: rustix::io::Result<()> = sockopt::set_tcp_keepcnt(socket, 3);
        let _: rustix::io::Result<()> = sockopt::set_socket_keepalive(socket, true);
        #[cfg(target_os = "linux")]
        let _: rustix::io::Result<()> = sockopt::set_tcp_user_timeout(socket, 60_000);
    }
}

/// Nothing: the system's own settings hold.
#[cfg(not(unix))]
pub fn on_all_sockets() {}
