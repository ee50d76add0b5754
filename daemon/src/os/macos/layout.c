/* Compares the numbers of layout.rs with Apple's public headers. Rendered from the table there; a test tells when
 * the two differ, and UPDATE_LAYOUT_C=1 with that test writes this file anew. Compiled by .ci/macos-gate, never linked.
 *
 * LOCKWATCH_OFF_BY is what the gate sets to 1 to prove that each assertion bites. */
#include <stddef.h>
#include <fcntl.h>
#include <libproc.h>
#include <sys/event.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/proc_info.h>
#include <sys/resource.h>
#include <sys/syslimits.h>
#include <sys/sysctl.h>
#include <sys/stat.h>
#include <sys/types.h>

#ifndef LOCKWATCH_OFF_BY
#define LOCKWATCH_OFF_BY 0
#endif
#define IS(what, number) _Static_assert((long long)(what) == (number) + LOCKWATCH_OFF_BY, #what " is not " #number)
#define SIZE(type, number) IS(sizeof(type), number)
#define AT(type, field, number) IS(offsetof(type, field), number)
#define WIDTH(type, field, number) IS(sizeof(((type *)0)->field), number)

SIZE(struct proc_fdinfo, 8);
AT(struct proc_fdinfo, proc_fd, 0);
WIDTH(struct proc_fdinfo, proc_fd, 4);
AT(struct proc_fdinfo, proc_fdtype, 4);
WIDTH(struct proc_fdinfo, proc_fdtype, 4);

SIZE(struct rusage_info_v2, 160);
AT(struct rusage_info_v2, ri_user_time, 16);
WIDTH(struct rusage_info_v2, ri_user_time, 8);
AT(struct rusage_info_v2, ri_system_time, 24);
WIDTH(struct rusage_info_v2, ri_system_time, 8);
AT(struct rusage_info_v2, ri_child_user_time, 96);
WIDTH(struct rusage_info_v2, ri_child_user_time, 8);
AT(struct rusage_info_v2, ri_child_system_time, 104);
WIDTH(struct rusage_info_v2, ri_child_system_time, 8);
AT(struct rusage_info_v2, ri_diskio_bytesread, 144);
WIDTH(struct rusage_info_v2, ri_diskio_bytesread, 8);
AT(struct rusage_info_v2, ri_diskio_byteswritten, 152);
WIDTH(struct rusage_info_v2, ri_diskio_byteswritten, 8);

SIZE(struct socket_fdinfo, 792);
AT(struct socket_fdinfo, psi.soi_state, 192);
WIDTH(struct socket_fdinfo, psi.soi_state, 2);
AT(struct socket_fdinfo, psi.soi_kind, 256);
WIDTH(struct socket_fdinfo, psi.soi_kind, 4);

SIZE(struct vnode_fdinfo, 176);
AT(struct vnode_fdinfo, pfi.fi_openflags, 0);
WIDTH(struct vnode_fdinfo, pfi.fi_openflags, 4);
AT(struct vnode_fdinfo, pfi.fi_status, 4);
WIDTH(struct vnode_fdinfo, pfi.fi_status, 4);
AT(struct vnode_fdinfo, pvi.vi_stat.vst_dev, 24);
WIDTH(struct vnode_fdinfo, pvi.vi_stat.vst_dev, 4);
AT(struct vnode_fdinfo, pvi.vi_stat.vst_mode, 28);
WIDTH(struct vnode_fdinfo, pvi.vi_stat.vst_mode, 2);
AT(struct vnode_fdinfo, pvi.vi_stat.vst_nlink, 30);
WIDTH(struct vnode_fdinfo, pvi.vi_stat.vst_nlink, 2);
AT(struct vnode_fdinfo, pvi.vi_stat.vst_ino, 32);
WIDTH(struct vnode_fdinfo, pvi.vi_stat.vst_ino, 8);

SIZE(struct vnode_fdinfowithpath, 1200);
AT(struct vnode_fdinfowithpath, pfi.fi_openflags, 0);
WIDTH(struct vnode_fdinfowithpath, pfi.fi_openflags, 4);
AT(struct vnode_fdinfowithpath, pfi.fi_status, 4);
WIDTH(struct vnode_fdinfowithpath, pfi.fi_status, 4);
AT(struct vnode_fdinfowithpath, pvip.vip_vi.vi_stat.vst_dev, 24);
WIDTH(struct vnode_fdinfowithpath, pvip.vip_vi.vi_stat.vst_dev, 4);
AT(struct vnode_fdinfowithpath, pvip.vip_vi.vi_stat.vst_mode, 28);
WIDTH(struct vnode_fdinfowithpath, pvip.vip_vi.vi_stat.vst_mode, 2);
AT(struct vnode_fdinfowithpath, pvip.vip_vi.vi_stat.vst_nlink, 30);
WIDTH(struct vnode_fdinfowithpath, pvip.vip_vi.vi_stat.vst_nlink, 2);
AT(struct vnode_fdinfowithpath, pvip.vip_vi.vi_stat.vst_ino, 32);
WIDTH(struct vnode_fdinfowithpath, pvip.vip_vi.vi_stat.vst_ino, 8);
AT(struct vnode_fdinfowithpath, pvip.vip_path, 176);
WIDTH(struct vnode_fdinfowithpath, pvip.vip_path, 1024);

SIZE(struct proc_vnodepathinfo, 2352);
AT(struct proc_vnodepathinfo, pvi_cdir.vip_path, 152);
WIDTH(struct proc_vnodepathinfo, pvi_cdir.vip_path, 1024);

SIZE(struct proc_bsdinfo, 136);
AT(struct proc_bsdinfo, pbi_flags, 0);
WIDTH(struct proc_bsdinfo, pbi_flags, 4);
AT(struct proc_bsdinfo, pbi_status, 4);
WIDTH(struct proc_bsdinfo, pbi_status, 4);
AT(struct proc_bsdinfo, pbi_pid, 12);
WIDTH(struct proc_bsdinfo, pbi_pid, 4);
AT(struct proc_bsdinfo, pbi_ppid, 16);
WIDTH(struct proc_bsdinfo, pbi_ppid, 4);
AT(struct proc_bsdinfo, pbi_uid, 20);
WIDTH(struct proc_bsdinfo, pbi_uid, 4);
AT(struct proc_bsdinfo, pbi_comm, 48);
WIDTH(struct proc_bsdinfo, pbi_comm, 16);
AT(struct proc_bsdinfo, pbi_pgid, 100);
WIDTH(struct proc_bsdinfo, pbi_pgid, 4);
AT(struct proc_bsdinfo, e_tdev, 108);
WIDTH(struct proc_bsdinfo, e_tdev, 4);
AT(struct proc_bsdinfo, pbi_start_tvsec, 120);
WIDTH(struct proc_bsdinfo, pbi_start_tvsec, 8);
AT(struct proc_bsdinfo, pbi_start_tvusec, 128);
WIDTH(struct proc_bsdinfo, pbi_start_tvusec, 8);

SIZE(struct kinfo_proc, 648);
AT(struct kinfo_proc, kp_proc.p_starttime.tv_sec, 0);
WIDTH(struct kinfo_proc, kp_proc.p_starttime.tv_sec, 8);
AT(struct kinfo_proc, kp_proc.p_starttime.tv_usec, 8);
WIDTH(struct kinfo_proc, kp_proc.p_starttime.tv_usec, 4);
AT(struct kinfo_proc, kp_proc.p_flag, 32);
WIDTH(struct kinfo_proc, kp_proc.p_flag, 4);
AT(struct kinfo_proc, kp_proc.p_stat, 36);
WIDTH(struct kinfo_proc, kp_proc.p_stat, 1);
AT(struct kinfo_proc, kp_proc.p_pid, 40);
WIDTH(struct kinfo_proc, kp_proc.p_pid, 4);
AT(struct kinfo_proc, kp_proc.p_comm, 243);
WIDTH(struct kinfo_proc, kp_proc.p_comm, 17);
AT(struct kinfo_proc, kp_eproc.e_ucred.cr_uid, 420);
WIDTH(struct kinfo_proc, kp_eproc.e_ucred.cr_uid, 4);
AT(struct kinfo_proc, kp_eproc.e_ppid, 560);
WIDTH(struct kinfo_proc, kp_eproc.e_ppid, 4);
AT(struct kinfo_proc, kp_eproc.e_pgid, 564);
WIDTH(struct kinfo_proc, kp_eproc.e_pgid, 4);
AT(struct kinfo_proc, kp_eproc.e_tdev, 572);
WIDTH(struct kinfo_proc, kp_eproc.e_tdev, 4);

/* struct proc_uniqidentifierinfo has 56 bytes: private, bsd/sys/proc_info_private.h:45-55, where a static assertion pins the size; xnu-11417.101.15
 *   p_uniqueid at 16, 8 bytes
 *   p_puniqueid at 24, 8 bytes
 */

SIZE(struct flock, 24);
AT(struct flock, l_start, 0);
WIDTH(struct flock, l_start, 8);
AT(struct flock, l_len, 8);
WIDTH(struct flock, l_len, 8);
AT(struct flock, l_pid, 16);
WIDTH(struct flock, l_pid, 4);
AT(struct flock, l_type, 20);
WIDTH(struct flock, l_type, 2);
AT(struct flock, l_whence, 22);
WIDTH(struct flock, l_whence, 2);

SIZE(struct kevent64_s, 48);
AT(struct kevent64_s, ident, 0);
WIDTH(struct kevent64_s, ident, 8);
AT(struct kevent64_s, filter, 8);
WIDTH(struct kevent64_s, filter, 2);
AT(struct kevent64_s, flags, 10);
WIDTH(struct kevent64_s, flags, 2);
AT(struct kevent64_s, fflags, 12);
WIDTH(struct kevent64_s, fflags, 4);
AT(struct kevent64_s, data, 16);
WIDTH(struct kevent64_s, data, 8);
AT(struct kevent64_s, udata, 24);
WIDTH(struct kevent64_s, udata, 8);
AT(struct kevent64_s, ext, 32);
WIDTH(struct kevent64_s, ext, 16);

SIZE(struct statfs, 2168);
AT(struct statfs, f_flags, 64);
WIDTH(struct statfs, f_flags, 4);
AT(struct statfs, f_mntonname, 88);
WIDTH(struct statfs, f_mntonname, 1024);

IS(PROC_PIDLISTFDS, 1);
IS(PROC_PIDTBSDINFO, 3);
IS(PROC_PIDVNODEPATHINFO, 9);
/* PROC_PIDUNIQIDENTIFIERINFO is 17: private, bsd/sys/proc_info_private.h:142; xnu-11417.101.15 */
IS(PROC_PIDFDVNODEINFO, 1);
IS(PROC_PIDFDVNODEPATHINFO, 2);
IS(PROC_PPID_ONLY, 6);
IS(RUSAGE_INFO_V2, 2);
IS(PROC_PIDFDSOCKETINFO, 3);
IS(PROX_FDTYPE_SOCKET, 2);
IS(SOCKINFO_TCP, 2);
IS(SOI_S_ISCONNECTED, 2);
IS(PROX_FDTYPE_VNODE, 1);
IS(PROC_FP_SHARED, 1);
IS(PROC_FLAG_TRACED, 2);
IS(PROC_PIDPATHINFO_MAXSIZE, 4096);
/* FWASLOCKED is 16384: private, bsd/sys/fcntl.h:135, inside #ifdef KERNEL; xnu-11417.101.15 */
IS(FWRITE, 2);
IS(O_EVTONLY, 32768);
IS(O_NOFOLLOW_ANY, 536870912);
IS(O_CLOEXEC, 16777216);
IS(F_GETLK, 7);
IS(F_RDLCK, 1);
IS(F_UNLCK, 2);
IS(F_WRLCK, 3);
IS(S_IFMT, 61440);
IS(S_IFREG, 32768);
IS(SSTOP, 4);
IS(SZOMB, 5);
IS(P_TRACED, 2048);
IS(NODEV, -1);
IS(CTL_KERN, 1);
IS(KERN_PROC, 14);
IS(KERN_PROC_ALL, 0);
IS(KERN_PROC_PID, 1);
IS(KERN_PROC_UID, 5);
IS(KERN_PROCARGS2, 49);
IS(ARG_MAX, 1048576);
IS(EVFILT_VNODE, -4);
IS(EVFILT_PROC, -5);
IS(EVFILT_TIMER, -7);
IS(NOTE_EXIT, 2147483648);
IS(NOTE_USECONDS, 2);
IS(NOTE_LEEWAY, 16);
IS(EV_ONESHOT, 16);
IS(EV_DELETE, 2);
IS(NOTE_FUNLOCK, 256);
IS(EV_ADD, 1);
IS(EV_CLEAR, 32);
IS(MNT_LOCAL, 4096);
IS(MNT_REMOVABLE, 512);
IS(MNT_NOWAIT, 2);
