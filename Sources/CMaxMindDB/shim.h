// Databases of networks and where they are: libmaxminddb(3).
#pragma once
#include <maxminddb.h>
