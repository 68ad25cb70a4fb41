# gnuplot auc-phantom-test.gp draws auc-phantom-test.svg, auc-phantom-test.pdf and auc-phantom-test.png in the current folder
reset session
set encoding utf8
$auc_0 << END
0.759991 0.0775 0.747991 0.770791
0.807282 0.4875 0.785282 0.827082
0.778805 0.8375 0.735286 0.817973
0.945997 1.1875 0.895230 0.991688
0.904792 1.5375 0.862684 0.942688
0.700788 1.8875 0.662663 0.735100
0.691973 2.2375 0.633048 0.745006
0.626306 2.5875 0.557626 0.688118
0.921693 2.9375 0.868693 0.969393
0.800766 3.2875 0.749467 0.846935
0.896822 3.6375 0.833322 0.953972
0.827464 3.9875 0.761811 0.886552
0.784699 4.3375 0.713988 0.848339
0.586587 4.7475 0.554587 0.615387
0.638835 5.0975 0.576335 0.695085
0.600357 5.4475 0.533541 0.660490
0.520571 5.7975 0.446035 0.587653
END
$auc_1 << END
0.731858 0.1425 0.719858 0.742658
0.768668 0.5525 0.746668 0.788468
0.794757 0.9025 0.751237 0.833924
0.872856 1.2525 0.822089 0.918547
0.805018 1.6025 0.762910 0.842915
0.688365 1.9525 0.650240 0.722677
0.651567 2.3025 0.592642 0.704600
0.670584 2.6525 0.601904 0.732396
0.858270 3.0025 0.805270 0.905970
0.750538 3.3525 0.699239 0.796707
0.868189 3.7025 0.804688 0.925339
0.810011 4.0525 0.744358 0.869099
0.685191 4.4025 0.614480 0.748831
0.596889 4.8125 0.564889 0.625689
0.667014 5.1625 0.604514 0.723264
0.589005 5.5125 0.522189 0.649138
0.534647 5.8625 0.460112 0.601730
END
$auc_2 << END
0.594317 0.2075 0.582317 0.605117
0.603458 0.6175 0.581458 0.623258
0.571656 0.9675 0.528136 0.610823
0.718166 1.3175 0.667399 0.763857
0.594958 1.6675 0.552850 0.632855
0.551038 2.0175 0.512913 0.585350
0.545601 2.3675 0.486675 0.598634
0.503225 2.7175 0.434545 0.565037
0.640759 3.0675 0.587759 0.688458
0.609014 3.4175 0.557715 0.655183
0.669714 3.7675 0.606214 0.726864
0.661605 4.1175 0.595952 0.720693
0.572308 4.4675 0.501597 0.635947
0.560797 4.8775 0.528797 0.589597
0.517533 5.2275 0.455033 0.573783
0.583526 5.5775 0.516710 0.643659
0.581331 5.9275 0.506796 0.648413
END
$auc_3 << END
0.575454 0.2725 0.563454 0.586254
0.595990 0.6825 0.573990 0.615790
0.591599 1.0325 0.548079 0.630766
0.668002 1.3825 0.617235 0.713693
0.608347 1.7325 0.566239 0.646244
0.611464 2.0825 0.573340 0.645776
0.617235 2.4325 0.558310 0.670268
0.484825 2.7825 0.416145 0.546637
0.617497 3.1325 0.564497 0.665197
0.569732 3.4825 0.518433 0.615901
0.636774 3.8325 0.573274 0.693924
0.544549 4.1825 0.478896 0.603637
0.605861 4.5325 0.535150 0.669500
0.500159 4.9425 0.468159 0.528959
0.494244 5.2925 0.431744 0.550494
0.532508 5.6425 0.465692 0.592642
0.473724 5.9925 0.399189 0.540807
END
do for [format in "svg pdf png"] {
if (format eq "svg") { set terminal svg noenhanced size 378,716 font "sans-serif,10.7" linewidth 1 background rgb "white" }
if (format eq "pdf") { set terminal pdfcairo noenhanced size 3.933in,7.460in font "sans-serif,8" fontscale 0.77 linewidth 1.4 background rgb "white" }
if (format eq "png") { set terminal pngcairo noenhanced size 850,1611 font "sans-serif,8" fontscale 2.250 linewidth 2.5 pointscale 2.5 background rgb "white" }
set output "auc-phantom-test.".format
unset label
unset arrow
set border 3 lw 0.6 lc rgb '#404040'
set tics nomirror scale 0.5 tc rgb '#202020'
set lmargin at screen 0.4153
set rmargin at screen 0.9695
set tmargin at screen 0.8767
set bmargin at screen 0.0563
set xrange [0.3:1]
set yrange [6.1200:0]
set xtics 0.1 format "%.1f" offset 0,0.4
set border 1
set xlabel "AUC" offset 0,0.9
set grid x lc rgb '#d8d8d8' lw 0.5 dt 1
set ytics scale 0 ("mean of the classes" 0.1750, "mean, trained" 0.5850, "Atelectasis (131)" 0.9350, "Cardiomegaly (96)" 1.2850, "Effusion (140)" 1.6350, "Infiltration (171)" 1.9850, "Nodule (71)" 2.3350, "Pneumonia (52)" 2.6850, "Pneumothorax (88)" 3.0350, "Consolidation (94)" 3.3850, "Edema (61)" 3.7350, "Emphysema (57)" 4.0850, "Fibrosis (49)" 4.4350, "mean, zero_shot" 4.8450, "Mass (63)" 5.1950, "Pleural_Thickening (55)" 5.5450, "Hernia (44)" 5.8950)
set arrow from 0.5, graph 0 to 0.5, graph 1 nohead lw 0.8 lc rgb '#404040' front
set arrow from graph 0, first 0.3800 to graph 1, first 0.3800 nohead lw 0.5 lc rgb '#909090'
set arrow from graph 0, first 4.6400 to graph 1, first 4.6400 nohead lw 0.5 lc rgb '#909090'
set label "phantom, test: 1,024 synthetic images" at screen 0.0203, screen 0.9812 left tc rgb '#404040'
set key at screen 0.0203, screen 0.9705 left top Left reverse samplen 1.5 maxcols 1
set style fill solid 1 noborder
plot $auc_0 using 1:2:($1 < 0.5 ? $1 : 0.5):($1 < 0.5 ? 0.5 : $1):($2 - 0.0273):($2 + 0.0273) with boxxyerror lc rgb '#0072B2' title "clip-tiny / clip-posneg", $auc_1 using 1:2:($1 < 0.5 ? $1 : 0.5):($1 < 0.5 ? 0.5 : $1):($2 - 0.0273):($2 + 0.0273) with boxxyerror lc rgb '#D55E00' title "clip-tiny / clip-cosine", $auc_2 using 1:2:($1 < 0.5 ? $1 : 0.5):($1 < 0.5 ? 0.5 : $1):($2 - 0.0273):($2 + 0.0273) with boxxyerror lc rgb '#009E73' title "vit_b_32 / clip-posneg", $auc_3 using 1:2:($1 < 0.5 ? $1 : 0.5):($1 < 0.5 ? 0.5 : $1):($2 - 0.0273):($2 + 0.0273) with boxxyerror lc rgb '#CC79A7' title "vit_b_32 / clip-cosine", $auc_0 using 1:2:3:4 with xerrorbars lc rgb '#202020' lw 0.8 pt 7 ps 0.15 notitle, $auc_1 using 1:2:3:4 with xerrorbars lc rgb '#202020' lw 0.8 pt 7 ps 0.15 notitle, $auc_2 using 1:2:3:4 with xerrorbars lc rgb '#202020' lw 0.8 pt 7 ps 0.15 notitle, $auc_3 using 1:2:3:4 with xerrorbars lc rgb '#202020' lw 0.8 pt 7 ps 0.15 notitle
unset output
}
