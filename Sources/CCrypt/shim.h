// Password hashes: crypt(3), crypt(5).
#include <crypt.h>
