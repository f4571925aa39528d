# A process's disk held to so many operations a second, by the kernel's control groups (blkio of version 1, io of version 2); for
# bench/etcd/run, which sets dir. Needs root. Of what is written through the page cache only what its own syncs bring to the disk is held.
#   hold_is_possible, hold PID OPERATIONS, hold_end (when they have ended)
hold_root=/sys/fs/cgroup
hold_groups=()

# The disk below a folder, as MAJOR:MINOR: of a partition the whole, as that is where the kernel counts.
hold_disk() {
    local disk part
    disk=$(stat -c '%Hd:%Ld' "$dir")
    part=/sys/dev/block/$disk
    [ -e "$part" ] || return 1
    [ ! -e "$part/partition" ] || disk=$(cat "$part/../dev")
    echo "$disk"
}

hold_is_possible() {
    hold_disk >/dev/null && { [ -w $hold_root/blkio/cgroup.procs ] || grep -qw io $hold_root/cgroup.subtree_control; } 2>/dev/null
}

hold() {
    local group
    if [ -w $hold_root/blkio/cgroup.procs ]; then
        group=$hold_root/blkio/bench-$1
        mkdir "$group"
        echo "$(hold_disk) $2" >"$group/blkio.throttle.write_iops_device"
    else
        group=$hold_root/bench-$1
        mkdir "$group"
        echo "$(hold_disk) wiops=$2" >"$group/io.max"
    fi
    hold_groups+=("$group")
    echo "$1" >"$group/cgroup.procs"
}

hold_end() {
    [ ${#hold_groups[@]} -eq 0 ] || rmdir "${hold_groups[@]}" 2>/dev/null || :
    hold_groups=()
}
