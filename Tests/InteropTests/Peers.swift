import Glibc

let isRoot = geteuid() == 0
